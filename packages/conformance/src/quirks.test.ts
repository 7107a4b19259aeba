import { describe, expect, test } from "vitest";
import { loadTables } from "./table-file.ts";
import { answers } from "./tables/answers.ts";

// Where Kyverno crashes, hangs, or answers by an accident of Go, equal answers are not asked for: only that the answer
// is one, and a small one.

const tables = loadTables(new URL("../cases/kyverno/", import.meta.url).pathname);
const quirks = tables.flatMap(({ cases }) => cases.filter((asked) => asked["quirk"] !== undefined));

describe("a quirk of Kyverno", () => {
  test("is in the tables", () => {
    expect(quirks.length).toBeGreaterThan(90);
  });

  test.each(quirks.map((asked) => [asked.id, String(asked["quirk"]), asked] as const))(
    "%s gets a safe answer: %s",
    (_id, _quirk, asked) => {
      const received = answers[asked.fn]?.(asked);
      expect(received).toBeDefined();
      expect(
        JSON.stringify(received, (_key, value) => (typeof value === "bigint" ? `${value}n` : value)).length,
      ).toBeLessThan(10_000);
    },
  );
});
