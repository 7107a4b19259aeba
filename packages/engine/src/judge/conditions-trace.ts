import { type ConditionsResult, type ConditionTrace, explainCondition } from "@assay/conditions";
import type { Fact, Json, Place, Trace } from "@assay/policy";
import type { PositionAt } from "../plan/condition-positions.ts";
import { type Producer, producerNote } from "./producer-notes.ts";

/** Where conditions stand, and what they were evaluated for. */
export interface ConditionsPlace extends Place {
  readonly positionAt: PositionAt;
  /** Set for conditions over a verified statement. */
  readonly about?: Producer;
}

/**
 * The trace of evaluated conditions: each with its place, what was expected and received, and for those that do not hold
 * how near they came and what is known about the producer of such a statement.
 */
export function conditionsTrace(result: ConditionsResult, place: ConditionsPlace): Trace {
  const children = result.conditions.map((condition) => conditionTrace(condition, place));
  const source = place.positionAt(place.path) ?? place.source;
  const base = { step: "conditions", path: place.path, source, children } as const;
  if (result.outcome === "true")
    return { ...base, outcome: "pass", code: "ok", message: "the conditions hold" };
  const told = children.filter(({ outcome }) => outcome === "fail").map(({ message }) => message);
  if (result.outcome === "false") {
    const message = [result.message, ...told].filter((text) => text !== "").join("; ");
    return {
      ...base,
      outcome: "fail",
      code: "conditionFalse",
      message: cut(message) || "the conditions do not hold",
    };
  }
  const note = result.error === undefined ? undefined : producerNote(place.about, result.error.expression);
  return {
    ...base,
    outcome: "fail",
    code: "conditionUnresolved",
    message: cut(result.message),
    ...hints([availableKeys(result), note]),
  };
}

function conditionTrace(condition: ConditionTrace, place: ConditionsPlace): Trace {
  const path = `${place.path}${condition.path.startsWith("[") ? "" : "."}${condition.path}`;
  const source = condition.source ?? place.positionAt(path) ?? place.source;
  const base = { step: "condition", path, source, children: [] } as const;
  switch (condition.outcome) {
    case "true":
      return { ...base, outcome: "pass", code: "ok", message: cut(explainCondition(condition)) };
    case "notReached":
      return { ...base, outcome: "skip", code: "notEvaluated", message: "an earlier condition had decided" };
    case "error":
      return {
        ...base,
        outcome: "fail",
        code: "conditionUnresolved",
        message: cut(condition.error?.message ?? "the condition could not be evaluated"),
        ...hints([producerNote(place.about, condition.error?.expression)]),
      };
    case "false":
      return {
        ...base,
        outcome: "fail",
        code: "conditionFalse",
        message: cut(explainCondition(condition)),
        expected: `${condition.operator} ${JSON.stringify(condition.value ?? condition.valueText)}`,
        received: shortened(condition.key ?? condition.keyText),
        ...hints([
          condition.nearest,
          producerNote(place.about, textOf(condition.keyText), compared(condition)),
        ]),
      };
  }
}

const maxReceived = 2_000;

/** A list of ten thousand vulnerabilities belongs into the attestation, not into every verdict about it. */
function shortened(value: Json): Json {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= maxReceived) return value;
  return cut(text);
}

/** INVARIANT: no message grows with foreign data: each is repeated by the steps above it. */
export function cut(text: string): string {
  return text.length <= maxReceived ? text : `${text.slice(0, maxReceived)}… (${text.length} characters)`;
}

function compared({ key, value, valueText }: ConditionTrace): { expected: Json; received?: Json } {
  return { expected: value ?? valueText, ...(key === undefined ? {} : { received: key }) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function availableKeys({ error }: ConditionsResult): string | undefined {
  if (error?.availableKeys === undefined || error.availableKeys.length === 0) return undefined;
  return `there are: ${error.availableKeys.join(", ")}`;
}

function hints(texts: readonly (string | undefined)[]): { readonly facts?: Readonly<Record<string, Fact>> } {
  const known = [...new Set(texts.filter((text) => text !== undefined && text !== ""))].map((text) =>
    cut(text ?? ""),
  );
  return known.length === 0 ? {} : { facts: { hint: known.join("; ") } };
}
