import { wildcardMatch } from "@assay/image";
import { matchesSelector } from "./label-selector.ts";
import type { FailureAction, FailureActionOverride, Policy, Rule } from "./model.ts";

/** Where the resource is. */
export interface NamespaceFacts {
  readonly namespace: string;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
}

/**
 * What a failure of the rule means for a resource of this namespace (kyverno/pkg/engine/api/engineresponse.go): an
 * entry that says Enforce, else the first entry that says something, else the policy's override, else the policy.
 */
export function failureActionFor(policy: Policy, rule: Rule, where: NamespaceFacts): FailureAction {
  const said = rule.verifyImages.flatMap((entry) => entry.failureAction ?? []);
  if (said.includes("Enforce")) return "Enforce";
  const override = policy.failureActionOverrides.find((one) => overrides(one, where));
  return said[0] ?? override?.action ?? policy.failureAction;
}

function overrides({ namespaces, namespaceSelector }: FailureActionOverride, where: NamespaceFacts): boolean {
  const named =
    namespaces === undefined || namespaces.some((pattern) => wildcardMatch(pattern, where.namespace));
  return (
    named &&
    (namespaceSelector === undefined || matchesSelector(namespaceSelector, where.namespaceLabels ?? {}))
  );
}
