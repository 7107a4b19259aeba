import { expect, test } from "vitest";
import { fuzzEvidence } from "./fuzz/fuzz-evidence.ts";

// The same inputs every time; `scripts/fuzz.ts` tries new ones.
test("changed evidence never throws, and no refusal turns into a pass", () => {
  const { inputs, allowed, findings } = fuzzEvidence(1, 600);
  expect(findings).toEqual([]);
  expect(inputs).toBe(600);
  // The changes are small enough that some leave a signature whole: otherwise only the outermost parser would be met.
  expect(allowed).toBeGreaterThan(20);
});
