import { describe, expect, test } from "vitest";
import { type CaseResult, failuresOf } from "./case-result.ts";
import { knownDifferences, recognisers } from "./known-differences.ts";
import { runTable } from "./run-tables.ts";
import { loadTables } from "./table-file.ts";

const cases = new URL("../cases/", import.meta.url).pathname;
const tables = [...loadTables(`${cases}kyverno`), ...loadTables(`${cases}jmespath`)];
const results = new Map<string, readonly CaseResult[]>();

test.each(tables.map((table) => [table.name, table] as const))(
  "%s is answered as recorded",
  (name, table) => {
    expect(table.cases.length).toBeGreaterThan(0);
    results.set(name, runTable(table));
    expect(failuresOf(results.get(name) ?? [])).toEqual([]);
  },
);

describe("known differences", () => {
  test("every rule on the list can be recognised, and every recogniser is on the list", () => {
    expect(knownDifferences.map(({ rule }) => rule).sort()).toEqual(Object.keys(recognisers).sort());
  });

  test("the list names exactly the cases of this repository that differ", () => {
    const differing = [...results.values()].flat().filter(({ outcome }) => outcome === "known");
    const found = knownDifferences.map(({ rule }) => ({
      rule,
      ids: differing.filter((result) => result.rule === rule).map(({ id }) => id),
    }));
    expect(found).toEqual(knownDifferences.map(({ rule, ids }) => ({ rule, ids })));
  });
});
