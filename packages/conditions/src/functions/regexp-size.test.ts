import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { regexpSize } from "./regexp-size.ts";

const part = fc.constantFrom(
  ..."ab.()|*+?^$[]{}\\",
  "[)]",
  "[](]",
  "[^]a]",
  "[[:alpha:])]",
  "[\\]()]",
  "\\(",
  "\\)",
  "\\Q)(\\E",
  "\\pL",
  "\\x{41}",
  "(?:",
  "(?i)",
  "(?P<n>",
  "{2}",
  "{3,}",
  "{0,9}",
  "{1,20}",
  "{x}",
  "(a|b)",
  "(ab){7}",
);

test.each([
  ["a", 1],
  ["(a|b){1000}", 3000],
  ["(?:[)(]{10}){10}", 100],
  ["\\p{Greek}{100}", 100],
])("%s is about %i instructions", (pattern, size) => {
  expect(regexpSize(pattern)).toBeGreaterThanOrEqual(size);
  expect(regexpSize(pattern)).toBeLessThan(size * 2 + 10);
});

test("no expression compiles to much more than was foreseen", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
      const pattern = parts.join("");
      let compiled: RE2JS;
      try {
        compiled = RE2JS.compile(pattern);
      } catch {
        return;
      }
      expect(compiled.programSize()).toBeLessThanOrEqual(3 * regexpSize(pattern) + 20);
    }),
    { numRuns: 20_000 },
  );
});
