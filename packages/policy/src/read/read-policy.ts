import type { FailureAction, FailureActionOverride, FailurePolicy, Policy, Rule } from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import { checkShape } from "../shape/check-shape.ts";
import { policyV1, policyV2beta1 } from "../shape/shape-policy.ts";
import { attachSource } from "../yaml/position-of.ts";
import { autogenRules } from "./autogen.ts";
import { deepFreeze } from "./freeze.ts";
import { readSelector } from "./read-match.ts";
import { field, flagOf, integerOf, items, optional, textOf, textRecord, textsOf } from "./read-node.ts";
import { readRule, ruleKind } from "./read-rule.ts";
import { tellOfLost } from "./tell-of-lost.ts";

/** Reads a ClusterPolicy or Policy; undefined where the report has an error about it. */
export function readPolicy(spot: Spot, apiVersion: string, report: Report): Policy | undefined {
  const before = report.diagnostics.length;
  const failed = (): boolean => report.diagnostics.slice(before).some((one) => one.severity === "error");
  checkShape(spot, apiVersion === "kyverno.io/v1" ? policyV1 : policyV2beta1, report);
  if (failed()) return undefined;
  const policy = readChecked(spot, report);
  if (failed()) return undefined;
  tellOfLost(spot, report);
  return policy;
}

function readChecked(spot: Spot, report: Report): Policy {
  const spec = field(spot, "spec") ?? spot;
  const kind = textOf(field(spot, "kind")) === "Policy" ? "Policy" : "ClusterPolicy";
  const metadata = field(spot, "metadata");
  const annotations = textRecord(field(metadata, "annotations"));
  const { rules, skippedRules } = readRules(spec, report);
  const policy: Policy = {
    ...placeOf({ node: spot.node, path: "" }),
    kind,
    name: textOf(field(metadata, "name")) ?? "",
    ...optional("namespace", readNamespace(kind, metadata, report)),
    annotations,
    labels: textRecord(field(metadata, "labels")),
    applyRules: textOf(field(spec, "applyRules")) === "One" ? "One" : "All",
    failureAction: readAction(field(spec, "validationFailureAction"), report),
    failureActionOverrides: readOverrides(spec, kind, report),
    ...readWebhook(spec, report),
    background: flagOf(field(spec, "background")) ?? true,
    emitWarning: flagOf(field(spec, "emitWarning")) ?? false,
    rules: withGenerated(rules, autogenRules(spec, rules, annotations)),
    skippedRules,
  };
  checkScope(policy, spec, report);
  return deepFreeze(attachSource(policy, spot.node));
}

/** Policies that were read back from an old cluster hold generated rules, which are generated anew. */
function withGenerated(written: readonly Rule[], generated: readonly Rule[]): readonly Rule[] {
  const names = new Set(generated.map((rule) => rule.name));
  return [...written.filter((rule) => !names.has(rule.name)), ...generated];
}

function readNamespace(kind: Policy["kind"], metadata: Spot | undefined, report: Report): string | undefined {
  const spot = field(metadata, "namespace");
  if (kind === "Policy") return namespaceOf(spot, report);
  if (spot !== undefined) {
    const message =
      "a ClusterPolicy has no namespace: it is ignored (Kyverno leaves the policy out: `A clusterpolicy should not have the namespace defined`)";
    report.warning("ignoredField", spot, message);
  }
  return undefined;
}

/** As kubectl has it where nobody says otherwise. */
function namespaceOf(spot: Spot | undefined, report: Report): string {
  const name = textOf(spot) ?? "";
  if (name !== "" && !/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name) && spot !== undefined)
    report.error("badValue", spot, `no namespace is called \`${name.slice(0, 80)}\``);
  return name === "" ? "default" : name;
}

function readRules(spec: Spot, report: Report): { rules: readonly Rule[]; skippedRules: readonly string[] } {
  const rules: Rule[] = [];
  const skippedRules: string[] = [];
  const names = new Set<string>();
  const spots = items(field(spec, "rules"));
  if (spots.length === 0) report.error("missingField", spec, "`spec.rules` is empty");
  for (const spot of spots) {
    const name = textOf(field(spot, "name")) ?? "";
    if (names.has(name))
      report.error("duplicateName", field(spot, "name") ?? spot, `duplicate rule name: '${name}'`);
    if (name === "") report.error("missingField", spot, "a rule needs a name");
    names.add(name);
    const kind = ruleKind(spot, report);
    if (kind === "verifyImages") {
      rules.push(readRule(spot, report));
    } else if (kind !== undefined) {
      skippedRules.push(name);
      const message = `rule \`${name}\` is a \`${kind}\` rule: it is skipped, only rules with verifyImages are evaluated`;
      report.warning("skippedRule", spot, message);
    }
  }
  return { rules, skippedRules };
}

/** Kyverno enforces on `Enforce` and `enforce` only; the lower-case words are the older ones. */
function readAction(spot: Spot | undefined, report: Report): FailureAction {
  const text = textOf(spot);
  if (spot !== undefined && (text === "enforce" || text === "audit")) {
    const current = text === "enforce" ? "Enforce" : "Audit";
    report.warning("deprecated", spot, `\`${text}\` is deprecated, write \`${current}\``);
  }
  return text?.toLowerCase() === "enforce" ? "Enforce" : "Audit";
}

function readOverrides(spec: Spot, kind: Policy["kind"], report: Report): readonly FailureActionOverride[] {
  const spot = field(spec, "validationFailureActionOverrides");
  if (spot !== undefined && kind === "Policy") {
    const message = "use of validationFailureActionOverrides is supported only with ClusterPolicy";
    report.error("unsupported", spot, message);
  }
  return items(spot).flatMap((one) => {
    const action = field(one, "action");
    if (action === undefined) {
      report.warning("ignoredField", one, "an override without `action` has no effect, as in Kyverno");
      return [];
    }
    const namespaces = field(one, "namespaces");
    const selector = readSelector(field(one, "namespaceSelector"));
    return {
      action: readAction(action, report),
      ...(namespaces === undefined ? {} : { namespaces: textsOf(namespaces) }),
      ...optional("namespaceSelector", selector),
    };
  });
}

function readWebhook(spec: Spot, report: Report): Pick<Policy, "failurePolicy" | "webhookTimeoutSeconds"> {
  const webhook = field(spec, "webhookConfiguration");
  const conditions = field(webhook, "matchConditions");
  if (conditions !== undefined) {
    const message = "`matchConditions` (CEL) are not evaluated: use match, exclude or preconditions";
    report.error("unsupported", conditions, message);
  }
  const oldPolicy = field(spec, "failurePolicy");
  const oldTimeout = field(spec, "webhookTimeoutSeconds");
  const policy = field(webhook, "failurePolicy");
  const timeout = field(webhook, "timeoutSeconds");
  const both = (name: string, key: string): string =>
    `remove the deprecated field ${name} and use spec.webhookConfiguration.${key} instead`;
  if (oldPolicy !== undefined && policy !== undefined) {
    report.error("conflict", oldPolicy, both("failurePolicy", "failurePolicy"));
  }
  if (oldTimeout !== undefined && timeout !== undefined) {
    report.error("conflict", oldTimeout, both("webhookTimeoutSeconds", "timeoutSeconds"));
  }
  return {
    failurePolicy: (textOf(policy ?? oldPolicy) ?? "Fail") as FailurePolicy,
    webhookTimeoutSeconds: integerOf(timeout ?? oldTimeout) ?? 10,
  };
}

/** Rules that hold between fields of the policy and its rules. */
function checkScope(policy: Policy, spec: Spot, report: Report): void {
  const admission = field(spec, "admission");
  if (admission !== undefined && flagOf(admission) === false && policy.rules.length > 0) {
    const message = "disabling admission processing is only allowed with validation policies";
    report.error("unsupported", admission, message);
  }
  if (policy.kind !== "Policy") return;
  for (const spot of items(field(spec, "rules"))) {
    for (const block of ["match", "exclude"]) {
      const match = field(spot, block);
      const filters = [match, ...items(field(match, "any")), ...items(field(match, "all"))];
      for (const filter of filters) {
        const namespaces = field(field(filter, "resources"), "namespaces");
        if (namespaces === undefined) continue;
        report.error("unsupported", namespaces, "filtering namespaces not allowed in namespaced policies");
      }
    }
  }
}
