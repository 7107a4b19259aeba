import { wildcardMatch } from "@assay/image";
import { parseDuration } from "../go/duration.ts";
import { trimSpace } from "../go/go-text.ts";
import { compareQuantities, parseQuantity } from "../go/quantity.ts";

// Kyverno's value patterns, as far as conditions use them: `10Mi-20Mi`, `1!-10`, `>= 5` (pkg/engine/pattern).

const endpoint = "([-|+]?[0-9]+(?:\\.[0-9]+)?[A-Za-z]*)";
const inRange = new RegExp(`^${endpoint}-${endpoint}$`);
const notInRange = new RegExp(`^${endpoint}!-${endpoint}$`);

type Sign = "" | ">=" | "<=" | ">" | "<" | "!";

/** Whether Kyverno reads a text as a range rather than as text. */
export function isRange(text: string): boolean {
  return text.length >= 2 && !/^[><!]/.test(text) && !notInRange.test(text) && inRange.test(text);
}

/** Whether a text lies in a range, or outside one that is written with `!-`. */
export function matchesRange(text: string, pattern: string): boolean {
  if (text === pattern) return true;
  return pattern.split("|").some((part) =>
    trimSpaces(part)
      .split("&")
      .every((piece) => matchesPattern(text, trimSpaces(piece))),
  );
}

function trimSpaces(text: string): string {
  return text.replace(/^ +| +$/g, "");
}

function matchesPattern(text: string, pattern: string): boolean {
  const sign = (pattern.length < 2 ? "" : (/^(?:>=|<=|>|<|!)/.exec(pattern)?.[0] ?? "")) as Sign;
  if (sign === "") {
    const outside = notInRange.exec(pattern);
    if (outside !== null) return compare(text, outside[1] ?? "", "<") || compare(text, outside[2] ?? "", ">");
    const inside = inRange.exec(pattern);
    if (inside !== null) return compare(text, inside[1] ?? "", ">=") && compare(text, inside[2] ?? "", "<=");
  }
  return compare(text, trimSpace(pattern.slice(sign.length)), sign);
}

/** As durations if both are, else as quantities if both are, else as text, which has no order. */
function compare(text: string, operand: string, sign: Sign): boolean {
  const limit = parseDuration(operand);
  const duration = limit === undefined ? undefined : parseDuration(text);
  if (limit !== undefined && duration !== undefined) return holds(Number(duration - limit), sign);
  const bound = parseQuantity(operand);
  const quantity = bound === undefined ? undefined : parseQuantity(text);
  if (bound !== undefined && quantity !== undefined) return holds(compareQuantities(quantity, bound), sign);
  if (sign !== "" && sign !== "!") return false;
  return wildcardMatch(operand, text) === (sign === "");
}

function holds(order: number, sign: Sign): boolean {
  switch (sign) {
    case "":
      return order === 0;
    case "!":
      return order !== 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
  }
}
