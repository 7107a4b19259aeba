import type { Policy } from "../model.ts";
import { sourceOf } from "../yaml/position-of.ts";
import { type MapNode, nodeAt, type SourceNode } from "../yaml/source-node.ts";
import { insertField, removeField, renameKey, replaceScalar } from "./edits.ts";
import { found, type Linting } from "./report-finding.ts";

/** What the policy says for all its rules, and words that are out of date. */
export function checkPolicy(linting: Linting, policy: Policy): void {
  const at = { policy, path: "spec" };
  if (
    policy.failureAction === "Audit" &&
    policy.failureActionOverrides.length === 0 &&
    !enforcesByEntry(policy)
  ) {
    const path = "spec.validationFailureAction";
    found(linting, "audit-only", { policy, path }, { message: "no failure of this policy blocks anything" });
  }
  if (policy.failurePolicy === "Ignore") {
    const path = written(policy, "spec.failurePolicy")
      ? "spec.failurePolicy"
      : "spec.webhookConfiguration.failurePolicy";
    found(linting, "failure-policy-ignore", { policy, path }, { message: "`failurePolicy: Ignore`" });
  }
  const root = sourceOf(policy);
  if (root === undefined) return;
  checkNamespace(linting, policy, root);
  checkWords(linting, policy, root);
  if (policy.background && asksForUser(policy)) {
    const message = "match, exclude or a variable asks about the user, and `background` is on";
    found(linting, "kyverno-user-info-in-background", { ...at, path: "spec.background" }, { message });
  }
}

function enforcesByEntry(policy: Policy): boolean {
  return policy.rules.some((rule) => rule.verifyImages.some((entry) => entry.failureAction === "Enforce"));
}

function written(policy: Policy, path: string): boolean {
  const root = sourceOf(policy);
  return root !== undefined && nodeAt(root, path) !== undefined;
}

function checkNamespace(linting: Linting, policy: Policy, root: SourceNode): void {
  const metadata = mapAt(root, "metadata");
  if (policy.kind !== "ClusterPolicy" || metadata?.entries.has("namespace") !== true) return;
  const edits = removeField(metadata, "namespace");
  const message = "a ClusterPolicy has no namespace";
  found(linting, "kyverno-namespace", { policy, path: "metadata.namespace" }, { message, ...edits });
}

function checkWords(linting: Linting, policy: Policy, root: SourceNode): void {
  const actions = ["spec.validationFailureAction"];
  for (const index of policy.failureActionOverrides.keys()) {
    actions.push(`spec.validationFailureActionOverrides[${index}].action`);
  }
  for (const path of actions) {
    const node = nodeAt(root, path);
    if (node?.kind !== "scalar" || (node.value !== "enforce" && node.value !== "audit")) continue;
    const current = node.value === "enforce" ? "Enforce" : "Audit";
    const message = `\`${node.value}\` is deprecated, write \`${current}\``;
    found(linting, "deprecated-field", { policy, path }, { message, ...replaceScalar(node, current) });
  }
  for (const rule of policy.rules) {
    if (rule.autogenOf !== undefined) continue;
    for (const entry of rule.verifyImages) {
      const at = { policy, rule, path: entry.path };
      const node = mapAt(root, entry.path);
      const audits = (entry.failureAction ?? policy.failureAction) === "Audit" && !enforcesByEntry(policy);
      if (audits && entry.mutateDigest) {
        const flag = node?.entries.get("mutateDigest")?.node;
        const fix =
          flag === undefined ? insertField(node, "mutateDigest: false") : replaceScalar(flag, "false");
        found(linting, "kyverno-audit-mutates", at, { message: "Audit, and `mutateDigest` is on", ...fix });
      }
      for (const name of [
        "image",
        "key",
        "roots",
        "subject",
        "issuer",
        "annotations",
        "additionalExtensions",
        "cosignOCI11",
      ]) {
        if (node?.entries.has(name) !== true) continue;
        found(
          linting,
          "deprecated-field",
          { ...at, path: `${entry.path}.${name}` },
          { message: `\`${name}\` is deprecated here` },
        );
      }
      for (const attestation of entry.attestations) {
        const map = mapAt(root, attestation.path);
        if (map?.entries.has("predicateType") !== true) continue;
        const both = map.entries.has("type");
        const fix = both ? removeField(map, "predicateType") : renameKey(map, "predicateType", "type");
        const path = `${attestation.path}.predicateType`;
        found(
          linting,
          "deprecated-field",
          { ...at, path },
          { message: "`predicateType` is deprecated, use `type`", ...fix },
        );
      }
    }
  }
}

function mapAt(root: SourceNode, path: string): MapNode | undefined {
  const node = nodeAt(root, path);
  return node?.kind === "map" ? node : undefined;
}

function asksForUser(policy: Policy): boolean {
  return policy.rules.some((rule) => {
    const filters = [...rule.match.filters, ...(rule.exclude?.filters ?? [])];
    if (filters.some((one) => one.roles ?? one.clusterRoles ?? one.subjects)) return true;
    const text = JSON.stringify([rule.preconditions, rule.context, rule.verifyImages]) ?? "";
    return /\{\{[^}]*\b(?:request\.(?:userInfo|roles|clusterRoles)|serviceAccountName|serviceAccountNamespace)\b/.test(
      text,
    );
  });
}
