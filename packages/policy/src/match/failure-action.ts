import { wildcardMatch } from "@assay/image";
import type { FailureAction, FailureActionOverride, Policy, Rule } from "../model.ts";
import { matchesSelector } from "./label-selector.ts";

/** Where the resource is. */
export interface NamespaceFacts {
  readonly namespace: string;
  /** Absent: not known. Overrides by label that enforce hold then, those that only audit do not. */
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

function overrides(
  { action, namespaces, namespaceSelector }: FailureActionOverride,
  where: NamespaceFacts,
): boolean {
  const named =
    namespaces === undefined || namespaces.some((pattern) => wildcardMatch(pattern, where.namespace));
  if (!named || namespaceSelector === undefined) return named;
  // Labels that are not known may strengthen, never weaken.
  if (where.namespaceLabels === undefined) return action === "Enforce";
  return matchesSelector(namespaceSelector, where.namespaceLabels);
}
