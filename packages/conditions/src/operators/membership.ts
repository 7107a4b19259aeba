import { ConditionError } from "../condition-error.ts";
import { matchWildcard } from "../functions/budgeted-wildcard.ts";
import { validJson } from "../go/go-json.ts";
import { printText } from "../go/go-text.ts";
import type { Value } from "../json.ts";
import { sameDigits } from "./compare-operators.ts";
import type { Operator, OperatorContext } from "./operator.ts";
import { isRange, matchesRange } from "./range-pattern.ts";

// AnyIn, AllIn, In and their negations (pkg/engine/variables/operator of Kyverno). Texts match as wildcards in both
// directions: a key that holds `*` matches every element.

/** A text, and the number that it was made from. */
interface Member {
  readonly text: string;
  readonly number?: number | bigint;
}

/** What the value of the condition offers; `undefined` when it has no type that the operator takes: then nothing holds. */
type Answer = boolean | undefined;

export function includesAny(negated: boolean): Operator {
  return (key, value, context) => {
    if (!Array.isArray(key)) return scalarIn(key, value, negated, context);
    const keys = key.map((item) => member(item, context));
    return anySet(keys, value, negated, context) === true;
  };
}

export function includesAll(negated: boolean): Operator {
  return (key, value, context) => {
    if (!Array.isArray(key)) return scalarIn(key, value, negated, context);
    const keys = key.map((item) => member(item, context));
    return allSet(keys, value, negated, context) === true;
  };
}

/** The deprecated `In` and `NotIn`: a list is a plain set of texts. Where Kyverno panics, `wrongType`. */
export function includesDeprecated(negated: boolean): Operator {
  return (key, value, context) => {
    if (Array.isArray(key)) return deprecatedSet(key, value, negated) === true;
    const one = scalarMember(key, context);
    const found = one === undefined ? undefined : deprecatedScalar(one, value, context);
    return found !== undefined && found !== negated;
  };
}

function member(value: Value, { budget }: OperatorContext): Member {
  const text = printText(value, budget);
  return typeof value === "number" || typeof value === "bigint" ? { text, number: value } : { text };
}

/** `undefined` for null and maps, which are in nothing and not in nothing. */
function scalarMember(key: Value, context: OperatorContext): Member | undefined {
  return key === null || typeof key === "object" ? undefined : member(key, context);
}

function matches(left: Member, right: Member, { budget }: OperatorContext): boolean {
  if (left.number !== undefined && right.number !== undefined && sameDigits(left.number, right.number))
    return true;
  return matchWildcard(budget, left.text, right.text) || matchWildcard(budget, right.text, left.text);
}

function scalarIn(key: Value, value: Value, negated: boolean, context: OperatorContext): boolean {
  const one = scalarMember(key, context);
  const found = one === undefined ? undefined : scalarAnswer(one, value, context);
  return found !== undefined && found !== negated;
}

function scalarAnswer(key: Member, value: Value, context: OperatorContext): Answer {
  if (Array.isArray(value)) return value.some((item) => matches(member(item, context), key, context));
  if (typeof value !== "string") return undefined;
  if (matchWildcard(context.budget, value, key.text)) return true;
  if (isRange(value)) return matchesRange(key.text, value);
  return textMembers(value)?.some((item) => item.text === key.text);
}

/** The elements of a JSON list of texts, or the text itself; `undefined` for any other JSON. */
function textMembers(value: string): readonly Member[] | undefined {
  const json = validJson(value);
  return json === undefined ? [{ text: value }] : stringList(json.value)?.map((text) => ({ text }));
}

/** Go reads null as an empty list, and null inside as an empty text. */
function stringList(value: Value): readonly string[] | undefined {
  if (value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const texts = value.map((item) => (item === null ? "" : item));
  return texts.every((item) => typeof item === "string") ? texts : undefined;
}

function anySet(keys: readonly Member[], value: Value, negated: boolean, context: OperatorContext): Answer {
  if (typeof value !== "string") {
    const members = isScalar(value) ? [member(value, context)] : listMembers(value, context);
    return members === undefined ? undefined : anyOf(keys, members, negated, context);
  }
  if (keys.length === 1 && keys[0]?.text === value) return !negated;
  if (isRange(value)) {
    const range = negated ? value.replace("-", "!-") : value;
    return keys.some((key) => matchesRange(key.text, range));
  }
  const members = textMembers(value);
  return members === undefined ? undefined : anyOf(keys, members, negated, context);
}

function isScalar(value: Value): boolean {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

function listMembers(value: Value, context: OperatorContext): readonly Member[] | undefined {
  return Array.isArray(value) ? value.map((item) => member(item, context)) : undefined;
}

/** Some key that is in the members; negated: some key that is not. */
function anyOf(
  keys: readonly Member[],
  members: readonly Member[],
  negated: boolean,
  context: OperatorContext,
): boolean {
  return keys.some((key) => members.some((item) => matches(key, item, context)) !== negated);
}

function allSet(keys: readonly Member[], value: Value, negated: boolean, context: OperatorContext): Answer {
  if (typeof value !== "string") {
    const members = listMembers(value, context);
    return members === undefined ? undefined : allOf(keys, members, negated, context);
  }
  if (keys.length === 1 && keys[0]?.text === value) return !negated;
  if (isRange(value)) return keys.every((key) => matchesRange(key.text, value) !== negated);
  const members = textMembers(value);
  return members === undefined ? undefined : allOf(keys, members, negated, context);
}

/** Every key is in the members; negated: no key is. */
function allOf(
  keys: readonly Member[],
  members: readonly Member[],
  negated: boolean,
  context: OperatorContext,
): boolean {
  return keys.every((key) => members.some((item) => matches(key, item, context)) !== negated);
}

function deprecatedScalar(key: Member, value: Value, context: OperatorContext): Answer {
  if (Array.isArray(value)) return value.some((item) => matches(member(item, context), key, context));
  if (typeof value !== "string") return undefined;
  if (matchWildcard(context.budget, value, key.text)) return true;
  return jsonTexts(value)?.includes(key.text);
}

function deprecatedSet(key: readonly Value[], value: Value, negated: boolean): Answer {
  if (!key.every((item) => typeof item === "string")) {
    throw new ConditionError("`In` and `NotIn` take lists of texts only, use `AnyIn` or `AllIn`", {
      code: "undefinedInKyverno",
    });
  }
  if (typeof value === "string" && key.length === 1 && key[0] === value) return true;
  const texts = typeof value === "string" ? jsonTexts(value) : plainTexts(value);
  if (texts === undefined) return undefined;
  const set = new Set(texts);
  return key.every((item) => set.has(item as string)) !== negated;
}

function jsonTexts(value: string): readonly string[] | undefined {
  const json = validJson(value);
  return json === undefined ? undefined : stringList(json.value);
}

function plainTexts(value: Value): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
