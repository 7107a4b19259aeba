import type { ConditionTrace } from "./check.ts";
import type { Json } from "./json.ts";

/**
 * One line for people: `{{ predicate.builder.id }} = "https://…" Equals "https://…/x" → false`, then why. What comes
 * from data is quoted as JSON, so that it cannot forge lines or colours.
 */
export function explainCondition(trace: ConditionTrace): string {
  const { operator, outcome, error, nearest } = trace;
  const line = `${side(trace.keyText, trace.key)} ${operator} ${side(trace.valueText, trace.value)} → ${outcome}`;
  if (error !== undefined) return `${line}: ${oneLine(error.message)}`;
  return nearest === undefined ? line : `${line}: ${oneLine(nearest)}`;
}

/** What the policy says, and what it came to if that is something else. */
function side(written: Json, resolved: Json | undefined): string {
  const plain = quote(written);
  const variable = typeof written === "string" && written.includes("{{") ? oneLine(written) : plain;
  if (resolved === undefined) return variable;
  const value = quote(resolved);
  return value === plain ? plain : `${variable} = ${value}`;
}

function quote(value: Json): string {
  return oneLine(JSON.stringify(value));
}

/** Control characters, also those that change the direction or colour of text, as escapes. */
function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
