import { anyAll } from "./conditions.ts";
import { requested } from "./expressions.ts";
import { filter } from "./filters.ts";
import type { KyvernoObject } from "./policies.ts";
import type { Scope } from "./surroundings.ts";

/** An exception of some of one policy's rules, in the namespace of the set. */
export function exception(scope: Scope, name: string, policies: readonly KyvernoObject[]): KyvernoObject {
  const { random, namespace } = scope;
  const { kind, metadata } = random.one(policies);
  const policyName = kind === "Policy" ? `${namespace}/${metadata.name}` : metadata.name;
  const ruleNames = random.one([["*"], ["r0"], ["r0", "autogen-r0"], ["*r0"], ["autogen-*"], ["r?"]]);
  const { resources, ...rest } = filter({
    ...scope,
    isClusterWide: true,
    block: "match",
    isPlain: false,
  }) as {
    readonly resources: { readonly operations?: unknown };
  };
  // Kyverno does not look at an exception's operations.
  const { operations: _, ...others } = resources;
  return {
    apiVersion: "kyverno.io/v2",
    kind: "PolicyException",
    metadata: { name, namespace },
    spec: {
      background: false,
      exceptions: [{ policyName, ruleNames }],
      match: { [random.one(["any", "all"])]: [{ resources: others, ...rest }] },
      ...random.maybe(0.2, () => ({ conditions: anyAll(random, { expressions: requested }) })),
    },
  };
}
