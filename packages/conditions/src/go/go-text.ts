import { type Buffer, isUtf8 } from "node:buffer";
import { ConditionError } from "../condition-error.ts";
import { isObject } from "../json.ts";
import { type Budget, checkDepth, spend, spendOutput } from "../limits.ts";
import { formatNumber, jsonNumber } from "./go-number.ts";

// How Go writes values: `%v` of fmt, encoding/json (`to_string`) and jsoniter (values inside mixed text).

/** Compares as Go does, by UTF-8 bytes: the order of code points, not of UTF-16 units. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Surrogates encode code points above all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const space = /[\t-\r \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]/;

/** `strings.TrimSpace`: unlike `trim`, U+0085 is space, and the mark at the start of a file is none. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && space.test(text.charAt(start))) start++;
  while (end > start && space.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The keys of an object in Go's order. */
export function sortedKeys(object: object): string[] {
  return Object.keys(object).sort(compareText);
}

/** UTF-8 as Go reads it: every byte that fits nowhere is one replacement character. */
export function goText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = pointLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (start < at) parts.push(bytes.toString("utf8", start, at));
    parts.push("\uFFFD");
    at++;
    start = at;
  }
  parts.push(bytes.toString("utf8", start));
  return parts.join("");
}

/** How many bytes the code point at an offset has; 0 where there is none. */
function pointLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** `fmt.Sprint` of a value: `1e+06`, `<nil>`, `[a b]`, `map[k:v]`. */
export function printText(value: unknown, budget: Budget, depth = 0): string {
  checkDepth(budget.limits, depth);
  spend(budget, 1);
  if (value === null || value === undefined) return spent("<nil>", budget);
  if (typeof value === "number") return spent(formatNumber(value), budget);
  if (Array.isArray(value)) {
    return `[${value.map((item) => printText(item, budget, depth + 1)).join(" ")}]`;
  }
  if (isObject(value)) {
    const entries = sortedKeys(value).map((key) => `${key}:${printText(value[key], budget, depth + 1)}`);
    return `map[${entries.join(" ")}]`;
  }
  return spent(typeof value === "function" ? "{}" : String(value), budget);
}

/** A value that stands in itself many times is small until it is printed: every node counts. */
function spent(text: string, budget: Budget): string {
  spend(budget, 1);
  spendOutput(budget, text.length + 1);
  return text;
}

/** What stands for a value inside other text: text itself, anything else as jsoniter writes it. */
export function templateText(value: unknown, budget: Budget): string {
  return typeof value === "string" ? spent(value, budget) : jsonText(value, budget, "padded");
}

/**
 * JSON as Go writes it: keys sorted, `<>&` and the line separators escaped. `exponent`: encoding/json writes `1e-7`,
 * jsoniter `1e-07`. Throws `badText` for numbers that JSON has no text for.
 */
export function jsonText(value: unknown, budget: Budget, exponent: "short" | "padded", depth = 0): string {
  checkDepth(budget.limits, depth);
  spend(budget, 1);
  if (typeof value === "string") return spent(quote(value, exponent), budget);
  if (typeof value === "number") {
    if (Number.isFinite(value)) return spent(jsonNumber(value, exponent), budget);
    const text = formatNumber(value);
    throw new ConditionError(`JSON has no text for the number ${text}`, { code: "badText" });
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => jsonText(item, budget, exponent, depth + 1)).join(",")}]`;
  }
  if (isObject(value)) {
    const entries = sortedKeys(value).map(
      (key) => `${spent(quote(key, exponent), budget)}:${jsonText(value[key], budget, exponent, depth + 1)}`,
    );
    return `{${entries.join(",")}}`;
  }
  return spent(typeof value === "function" ? "{}" : String(value), budget);
}

function quote(text: string, exponent: "short" | "padded"): string {
  const json = JSON.stringify(text.replace(/\p{Surrogate}/gu, "\uFFFD"));
  const escaped = json.replace(/[<>&\u2028\u2029]/g, (char) => unicodeEscape(char.charCodeAt(0)));
  // jsoniter has no short escapes for backspace and form feed.
  if (exponent === "short") return escaped;
  return escaped.replace(/\\(?:[bf]|.)/g, (pair) =>
    pair === "\\b" ? "\\u0008" : pair === "\\f" ? "\\u000c" : pair,
  );
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
