import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadPolicies, PolicyError } from "../src/index.ts";

// Every policy with `verifyImages` of Kyverno's own tests and of its library, under its path there. What is refused
// here is refused by Kyverno, too (that is what those tests are for), or is a difference on purpose.

interface PeerPolicy {
  readonly name: string;
  readonly repository: string;
  readonly text: string;
  readonly refused?: string;
}
const file = new URL("../testdata/kyverno-policies.json", import.meta.url);
const table: { readonly cases: readonly PeerPolicy[] } = JSON.parse(readFileSync(file, "utf8"));

describe("policies of others", () => {
  test.each(table.cases)("$repository $name", ({ text, refused }) => {
    if (refused === undefined) {
      const { policies } = loadPolicies(text);
      expect(policies.some((policy) => policy.rules.length > 0)).toBe(true);
    } else {
      expect(() => loadPolicies(text)).toThrow(PolicyError);
      expect(() => loadPolicies(text)).toThrow(refused);
    }
  });
});
