import { ConditionError } from "../condition-error.ts";
import type { Evaluation } from "../functions/evaluation.ts";
import { parseGoJson } from "../go/go-json.ts";
import { templateText } from "../go/go-text.ts";
import type { Value } from "../json.ts";
import type { HoleText } from "./token.ts";

// Kyverno pastes the value of a nested variable into the text of the expression around it, so that whoever writes the
// data writes code. Here the value is bound as a part of one token: of a string, a key, a literal or an index.

/** The nested values inside a raw string or a quoted identifier. */
export function holeString(text: HoleText, evaluation: Evaluation): string {
  return text.pieces
    .map((piece, at) =>
      at === 0 ? piece : templateText(holeValue(text, at - 1, evaluation), evaluation.budget) + piece,
    )
    .join("");
}

function holeValue(text: HoleText, at: number, { holes }: Evaluation): Value {
  return holes[text.holes[at] ?? -1] ?? null;
}

/**
 * Where a key may stand: text is the key. Anything else stands for itself where a value may stand too, but not behind a
 * dot: there Kyverno reads `true` and `null` as keys, and everything else as code.
 */
export function holeName(text: HoleText, place: "key" | "any", evaluation: Evaluation): Value {
  const whole = text.pieces.length === 2 && text.pieces[0] === "" && text.pieces[1] === "";
  const value = whole ? holeValue(text, 0, evaluation) : undefined;
  if (value === undefined || typeof value === "string") return holeString(text, evaluation);
  if (place === "any") return value;
  if (value === null || typeof value === "boolean") return String(value);
  const shown = templateText(value, evaluation.budget).slice(0, 40);
  throw new ConditionError(`\`${shown}\` is no key`, { code: "syntax" });
}

/** The key of a multi-select hash. */
export function holeKey(key: string | HoleText, evaluation: Evaluation): string {
  return typeof key === "string" ? key : holeString(key, evaluation);
}

/** The nested values inside backticks: whole JSON values, or escaped text inside a JSON string. */
export function holeLiteral(text: HoleText, evaluation: Evaluation): Value {
  let json = "";
  let quoted = false;
  text.pieces.forEach((piece, at) => {
    if (at > 0) {
      const value = holeValue(text, at - 1, evaluation);
      const encoded = JSON.stringify(quoted ? templateText(value, evaluation.budget) : value);
      json += quoted ? encoded.slice(1, -1) : encoded;
    }
    json += piece;
    quoted = endsInsideString(piece, quoted);
  });
  return parseGoJson(json);
}

function endsInsideString(piece: string, inside: boolean): boolean {
  let quoted = inside;
  for (let at = 0; at < piece.length; at++) {
    const char = piece.charAt(at);
    if (char === "\\" && quoted) at++;
    else if (char === '"') quoted = !quoted;
  }
  return quoted;
}

/** A nested value as the index of a list. */
export function holeIndex(text: HoleText, negative: boolean, evaluation: Evaluation): number {
  const value = holeString(text, evaluation);
  const index = /^-?[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(index) || (negative && index < 0)) {
    throw new ConditionError(`\`${value.slice(0, 40)}\` is no index of a list`, { code: "syntax" });
  }
  return negative ? -index : index;
}
