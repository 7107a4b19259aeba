import { expect, test } from "vitest";
import { fixtureRegistry } from "./fixtures.ts";
import { fuzzRegistry } from "./fuzz-registry.ts";

test.each(["tags", "referrers"] as const)(
  "150 changed answers of a registry (%s) bring nothing to light",
  async (layout) => {
    const registry = await fixtureRegistry(layout, { host: "r.example" });
    for (let seed = 1; seed <= 150; seed++) expect(await fuzzRegistry(seed, registry)).toBeUndefined();
  },
);
