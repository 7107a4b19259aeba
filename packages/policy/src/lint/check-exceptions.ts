import { wildcardMatch } from "@assay/image";
import type { Policy, PolicyException, ResourceFilter } from "../model.ts";
import { found, type Linting } from "./report-finding.ts";

/** What exceptions except. */
export function checkExceptions(linting: Linting): void {
  for (const exception of linting.exceptions) {
    const at = { policy: exception, path: "spec" };
    if (isWide(exception)) {
      const message = "the exception names kinds only: nothing narrows it";
      found(linting, "exception-wider-than-policy", { ...at, path: "spec.match" }, { message });
    }
    if (exception.expires === undefined) {
      found(linting, "exception-without-expiry", at, { message: "the exception has no `expires`" });
    }
    for (const one of exception.exceptions) {
      if (linting.policies.length === 0 || linting.policies.some((policy) => names(policy, one))) continue;
      const message = `no loaded policy \`${one.policyName}\` has a rule \`${one.ruleNames.join("`, `")}\``;
      found(linting, "exception-without-rule", { ...at, path: one.path }, { message });
    }
  }
}

function isWide({ match, imageReferences, conditions }: PolicyException): boolean {
  if (conditions !== undefined || imageReferences?.every((pattern) => !/^\*+$/.test(pattern)) === true)
    return false;
  const wide = match.filters.map(isWideFilter);
  return match.mode === "any" ? wide.some(Boolean) : wide.every(Boolean);
}

function isWideFilter(filter: ResourceFilter): boolean {
  const { names, namespaces, selector, namespaceSelector, annotations, roles, clusterRoles, subjects } =
    filter;
  const named = [names, namespaces].some((one) => one?.every((pattern) => !/^\*+$/.test(pattern)));
  return (
    !named &&
    [selector, namespaceSelector, annotations, roles, clusterRoles, subjects].every(
      (one) => one === undefined,
    )
  );
}

function names(policy: Policy, { policyName, ruleNames }: PolicyException["exceptions"][number]): boolean {
  const name = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`;
  const rules = [...policy.rules.map((rule) => rule.name), ...policy.skippedRules];
  return (
    name === policyName && rules.some((rule) => ruleNames.some((pattern) => wildcardMatch(pattern, rule)))
  );
}
