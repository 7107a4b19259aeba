import { expect, test } from "vitest";
import { holdsVariable } from "./holds-variable.ts";

test.each([
  ["{{ a }}", true],
  ["x {{ a\n}} y", true],
  ["{{ a", false],
  ["}} {{", false],
  ["a", false],
])("%j: %s", (text, holds) => {
  expect(holdsVariable(text)).toBe(holds);
});

test("a text of nothing but braces takes no longer than one of its length", () => {
  // With `/{{.*}}/` this would take minutes.
  expect(holdsVariable("{".repeat(2_000_000))).toBe(false);
});
