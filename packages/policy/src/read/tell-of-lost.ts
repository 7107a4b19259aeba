import type { Report, Spot } from "../report.ts";
import { conditionOperators } from "../shape/shape-verify-images.ts";
import { controllersAnnotation, unknownControllers } from "./autogen.ts";
import { holdsVariable } from "./holds-variable.ts";
import { entries, field, items, jsonOf, textOf } from "./read-node.ts";

/** Fields of attestors and entries that demand something. */
const demands: readonly string[] = [
  ...["annotations", "additionalExtensions", "attestations", "conditions", "repository"],
];
/** Fields of `exclude` and of exceptions that let less through. */
const bounds: readonly string[] = [
  ...["kinds", "names", "namespaces", "operations", "annotations", "roles", "clusterRoles", "subjects"],
  ...["name", "selector", "namespaceSelector", "matchLabels", "matchExpressions"],
];

/**
 * Tells of what a template leaves that lost a value, where less is demanded by it or more let through: empty maps, lists
 * and texts (nulls are told with the shapes), conditions that compare with nothing, characters that nobody sees.
 * All of it means what it means in Kyverno. The policy's shape was checked.
 */
export function tellOfLost(policy: Spot, report: Report): void {
  tellOfMetadata(policy, report);
  const spec = field(policy, "spec") ?? policy;
  for (const rule of items(field(spec, "rules"))) {
    tellOfEmpty(field(rule, "verifyImages"), demands, report);
    tellOfEmpty(field(rule, "exclude"), bounds, report);
    const preconditions = field(rule, "preconditions");
    tellOfConditions(preconditions, report);
    tellOfNone(preconditions, "the rule never applies", report);
    for (const entry of items(field(rule, "verifyImages"))) {
      for (const attestation of items(field(entry, "attestations")))
        tellOfConditions(field(attestation, "conditions"), report);
      tellOfDenial(field(entry, "validate"), report);
    }
    for (const block of ["match", "exclude"]) tellOfNamespaces(field(rule, block), report);
  }
  for (const override of items(field(spec, "validationFailureActionOverrides")))
    tellOfNamespaces(override, report);
  tellOfUnseen(spec, report);
}

function tellOfDenial(validate: Spot | undefined, report: Report): void {
  if (validate === undefined) return;
  const deny = field(validate, "deny");
  if (deny === undefined)
    report.warning("ignoredField", validate, "`validate` without `deny` denies nothing");
  const conditions = field(deny, "conditions");
  tellOfConditions(conditions, report);
  for (const one of [conditions, ...items(conditions)]) tellOfNone(one, "nothing is denied", report);
}

function tellOfNone(conditions: Spot | undefined, so: string, report: Report): void {
  const any = field(conditions, "any");
  if (any?.node.kind === "list" && any.node.items.length === 0)
    report.warning("ignoredField", any, `\`any\` is empty: none of nothing holds, so ${so}`);
}

function tellOfMetadata(policy: Spot, report: Report): void {
  const metadata = field(policy, "metadata");
  const isNamespaced = textOf(field(policy, "kind")) === "Policy";
  if (isNamespaced && metadata !== undefined && !textOf(field(metadata, "namespace")))
    report.warning("missingField", metadata, "a Policy without a namespace is one of `default`");
  const annotations = field(metadata, "annotations");
  const [, controllers] = entries(annotations).find(([name]) => name === controllersAnnotation) ?? [];
  if (controllers === undefined) return;
  const [unknown] = unknownControllers(textOf(controllers) ?? "");
  if (unknown === undefined) return;
  const what = unknown === "" ? "nothing" : `\`${unknown.slice(0, 80)}\``;
  const message = `${what} is no Pod controller: no rule is generated for it (for none at all: \`none\`)`;
  report.warning("badValue", controllers, message);
}

/** The same of a PolicyException. */
export function tellOfLostBounds(spec: Spot, report: Report): void {
  tellOfEmpty(field(spec, "match"), bounds, report);
  const conditions = field(spec, "conditions");
  tellOfConditions(conditions, report);
  const all = field(conditions, "all");
  const isOpen = conditions !== undefined && (isEmpty(conditions) || (all !== undefined && isEmpty(all)));
  if (isOpen)
    report.warning("ignoredField", conditions, "`conditions` are empty: they hold for every object");
  tellOfUnseen(spec, report);
}

function tellOfEmpty(spot: Spot | undefined, names: readonly string[], report: Report): void {
  for (const [name, one] of entries(spot)) {
    if (names.includes(name) && isEmpty(one))
      report.warning("ignoredField", one, `\`${one.path}\` is empty, as if it were not there`);
    else tellOfEmpty(one, names, report);
  }
  for (const item of items(spot)) tellOfEmpty(item, names, report);
}

function isEmpty({ node }: Spot): boolean {
  if (node.kind === "scalar") return node.value === "";
  return (node.kind === "list" ? node.items.length : node.entries.size) === 0;
}

function tellOfConditions(spot: Spot | undefined, report: Report): void {
  for (const item of items(spot)) tellOfConditions(item, report);
  if (field(spot, "operator") === undefined) {
    for (const [, part] of entries(spot)) tellOfConditions(part, report);
    return;
  }
  if (spot === undefined) return;
  const key = field(spot, "key");
  if (!holdsVariable(JSON.stringify(jsonOf(key) ?? null)))
    report.warning(
      "badValue",
      key ?? spot,
      "`key` holds no `{{ variable }}`: it is the same for every object",
    );
  if (/^\s+\{\{|\}\}\s+$/.test(textOf(key) ?? ""))
    report.warning("badValue", key ?? spot, "spaces beside the variable make text of what it holds");
  const operator = field(spot, "operator");
  const word = textOf(operator) ?? "";
  const meant = conditionOperators.find((one) => one.toLowerCase() === word.toLowerCase());
  if (meant !== undefined && meant !== word)
    report.warning("badValue", operator ?? spot, `\`${word}\` may never hold, in Kyverno too`, meant);
  const value = field(spot, "value");
  if (value === undefined || isNothing(value) || items(value).some(isNothing))
    report.warning("ignoredField", value ?? spot, "the condition compares with nothing: `value` is empty");
}

function isNothing(value: Spot): boolean {
  return value.node.kind === "scalar" ? value.node.value === null : isEmpty(value);
}

/** Names of namespaces are lower-case letters, digits and `-`. */
function tellOfNamespaces(spot: Spot | undefined, report: Report): void {
  const filters = [spot, ...items(field(spot, "any")), ...items(field(spot, "all"))];
  const lists = filters.flatMap((one) => [
    field(field(one, "resources"), "namespaces"),
    field(one, "namespaces"),
  ]);
  for (const pattern of lists.flatMap(items)) {
    const text = textOf(pattern) ?? "";
    if (/^[a-z0-9*?-]+$/.test(text)) continue;
    report.warning("badValue", pattern, `no namespace is called \`${text.slice(0, 80)}\``);
  }
}

/** Without width, or looking like a space: a name with one of them is another name. */
const unseen = /[\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff]/;

function tellOfUnseen(spot: Spot, report: Report): void {
  const code = unseen
    .exec(textOf(spot) ?? "")?.[0]
    .charCodeAt(0)
    .toString(16)
    .toUpperCase()
    .padStart(4, "0");
  if (code !== undefined)
    report.warning("badValue", spot, `\`${spot.path}\` holds a character that nobody sees: U+${code}`);
  for (const item of items(spot)) tellOfUnseen(item, report);
  for (const [name, one] of entries(spot)) if (name !== "message") tellOfUnseen(one, report);
}
