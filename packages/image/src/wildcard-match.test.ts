import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wildcardMatch } from "./index.ts";

/** The definition, without a thought of speed: all places of the text that the pattern so far can end at. */
function byDefinition(pattern: string, text: string): boolean {
  const points = Array.from(text);
  let ends = new Set([0]);
  for (const wanted of Array.from(pattern)) {
    const next = new Set<number>();
    for (const end of ends) {
      if (wanted === "*") for (let to = end; to <= points.length; to++) next.add(to);
      else if (end < points.length && (wanted === "?" || wanted === points[end])) next.add(end + 1);
    }
    ends = next;
  }
  return ends.has(points.length);
}

describe("wildcardMatch", () => {
  const letters = fc.constantFrom("a", "b", "/", "😀", "?", "*");
  test("is what its definition says", () => {
    const pattern = fc.array(letters, { maxLength: 12 }).map((chars) => chars.join(""));
    const text = fc
      .array(fc.constantFrom("a", "b", "/", "😀"), { maxLength: 16 })
      .map((chars) => chars.join(""));
    fc.assert(
      fc.property(pattern, text, (p, t) => wildcardMatch(p, t) === byDefinition(p, t)),
      { numRuns: 5000 },
    );
  });
  // 2,000 times `ab` in front makes the quick method give up; what then follows decides.
  test("is what its definition says when it has gone back too often", () => {
    const tail = fc.array(letters, { maxLength: 10 }).map((chars) => chars.join(""));
    const text = fc
      .array(fc.constantFrom("a", "b", "/", "😀"), { maxLength: 12 })
      .map((chars) => chars.join(""));
    const head = `*${"ab".repeat(40)}?c*`;
    const long = `${"ab".repeat(400)}😀c`;
    fc.assert(
      fc.property(
        tail,
        text,
        (p, t) => wildcardMatch(head + p, long + t) === byDefinition(head + p, long + t),
      ),
      { numRuns: 50 },
    );
  });
  // Each of these took the quick method alone (or Kyverno) from seconds to forever.
  test.each([
    [`${"a*".repeat(5000)}b`, "a".repeat(10_000), false],
    [`*${"a".repeat(50_000)}b`, "a".repeat(200_000), false],
    [`*${"?a".repeat(2000)}b*`, "a".repeat(100_000), false],
    [`*${"a".repeat(50_000)}b*`, `${"a".repeat(200_000)}b`, true],
  ])("answers %.10s… against %.10s…", (pattern, text, wanted) => {
    expect(wildcardMatch(pattern, text)).toBe(wanted);
  });
});
