import type { AttestationRule, Json, JsonObject } from "../model.ts";
import { isObject, own, ownText } from "../own-field.ts";
import { holdsVariable } from "../read/holds-variable.ts";
import { type At, found, type Linting } from "./report-finding.ts";

interface Condition {
  readonly path: string;
  readonly key: string;
  readonly operator: string;
  readonly value: string;
}

/** What the conditions on attestations really ask. */
export function checkConditions(linting: Linting, at: At): void {
  for (const entry of at.rule?.verifyImages ?? []) {
    for (const attestation of entry.attestations) checkAttestation(linting, at, attestation);
    const deny = entry.validate?.deny;
    if (deny === undefined) continue;
    // A deny that is false for missing data lets the image through.
    for (const condition of conditionsIn(deny, `${entry.path}.validate.deny.conditions`)) {
      if (isDefaulted(condition.key) && !isNegative(condition.operator)) {
        const message = `\`${condition.key}\` ${condition.operator} … does not deny where the data is missing`;
        found(linting, "condition-true-for-missing-data", { ...at, path: condition.path }, { message });
      }
      if (isNegative(condition.operator)) checkPattern(linting, { ...at, path: condition.path }, condition);
    }
  }
}

function checkAttestation(linting: Linting, at: At, attestation: AttestationRule): void {
  const { conditions } = attestation;
  if (conditions === undefined) return;
  const path = `${attestation.path}.conditions`;
  for (const [index, block] of blocks(conditions).entries()) {
    const lists = ["any", "all"].flatMap((name) => own(block, name) ?? []);
    if (lists.length > 0 && conditionsIn(block, "").length > 0) continue;
    const message = "the block has no condition, so that every statement satisfies it";
    found(linting, "conditions-empty", { ...at, path: `${path}[${index}]` }, { message });
  }
  for (const condition of conditionsIn(conditions, path))
    checkCondition(linting, { ...at, path: condition.path }, condition, attestation);
}

function checkCondition(linting: Linting, at: At, condition: Condition, attestation: AttestationRule): void {
  const { key, operator, value } = condition;
  if (isDefaulted(key) && isNegative(operator)) {
    const message = `\`${key}\` ${operator} \`${value}\` is also true where the data is missing`;
    found(linting, "condition-true-for-missing-data", at, { message });
  }
  if (!isNegative(operator)) checkPattern(linting, at, condition);
  if (asksForTime(key) || asksForTime(value)) {
    const shown = asksForTime(key) ? key : value;
    found(linting, "claimed-time", at, { message: `\`${shown}\` is a time that the predicate claims` });
  }
  if (/\bvuln\b/.test(attestation.type) && /\bscanner\.name\b/.test(key)) {
    found(linting, "vuln-scanner-name", at, {
      message: `\`${key}\` is missing from scans that cosign attested`,
    });
  }
}

/** Of a pattern that lets through what matches it: what is left of it without its variables. */
function checkPattern(linting: Linting, at: At, { value }: Condition): void {
  if (!/\}\}[*?]|[*?]\{\{/.test(value)) return;
  const left = value.replace(/\{\{[^{}]*\}\}/g, "");
  const message = `\`${value}\` is \`${left}\` where its variables are empty`;
  found(linting, "condition-pattern-by-variable", at, { message });
}

function isDefaulted(key: string): boolean {
  return /\|\|/.test(key);
}

function isNegative(operator: string): boolean {
  return /^(?:notequals|notin|anynotin|allnotin)$/i.test(operator);
}

/** Fields of known predicates that hold a time, anywhere in a variable. */
function asksForTime(text: string): boolean {
  const times =
    /\b(?:scanFinishedOn|scanStartedOn|buildFinishedOn|buildStartedOn|finishedOn|startedOn|[tT]imestamp|created(?:On|At)?)\b/;
  return holdsVariable(text) && times.test(text) && !/\bverifiedTimes\b/.test(text);
}

function blocks(conditions: Json): readonly JsonObject[] {
  const list = Array.isArray(conditions) ? conditions : [conditions];
  return list.filter(isObject);
}

function conditionsIn(json: Json, path: string): readonly Condition[] {
  if (Array.isArray(json)) return json.flatMap((item, index) => conditionsIn(item, `${path}[${index}]`));
  if (!isObject(json)) return [];
  if (Object.hasOwn(json, "operator")) {
    return [
      {
        path,
        key: shown(own(json, "key")),
        operator: ownText(json, "operator"),
        value: shown(own(json, "value")),
      },
    ];
  }
  return ["any", "all"].flatMap((name) => conditionsIn(own(json, name) ?? [], `${path}.${name}`));
}

function shown(value: Json | undefined): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
