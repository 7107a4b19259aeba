import { ConditionError } from "../condition-error.ts";
import { equalFold, toLower, toUpper } from "../go/case-mapping.ts";
import { toInt64 } from "../go/duration.ts";
import { formatFloat32 } from "../go/go-number.ts";
import { compareText } from "../go/go-text.ts";
import type { Value } from "../json.ts";
import { type Budget, checkList, spend, spendOutput } from "../limits.ts";
import { compute } from "./arithmetic.ts";
import { matchWildcard } from "./budgeted-wildcard.ts";
import type { Evaluation, Item } from "./evaluation.ts";
import type { ArgumentType, FunctionEntry } from "./function-table.ts";
import { compileRegexp, replaceAll } from "./regexp.ts";

// Kyverno's functions on text and numbers (pkg/engine/jmespath/functions.go).

const string: readonly ArgumentType[] = ["string"];
const number: readonly ArgumentType[] = ["number"];
const any: readonly ArgumentType[] = ["any"];
const stringOrNumber: readonly ArgumentType[] = ["string", "number"];

/** A number where Kyverno wants text: with float32 precision and no exponent. */
export function looseText(item: Item): string {
  return typeof item === "number" ? formatFloat32(item) : String(item);
}

function replace([text, old, replacement, count]: readonly Item[], { budget }: Evaluation): Item {
  const times = Number(toInt64(count as number));
  return replaceCount(text as string, { old: old as string, by: replacement as string, times }, budget);
}

function replaceEvery([text, old, replacement]: readonly Item[], { budget }: Evaluation): Item {
  return replaceCount(text as string, { old: old as string, by: replacement as string, times: -1 }, budget);
}

interface Replacing {
  readonly old: string;
  readonly by: string;
  readonly times: number;
}

/** An empty `old` inserts between code points and at both ends; a negative number of times replaces all. */
function replaceCount(text: string, { old, by, times }: Replacing, budget: Budget): string {
  if (times === 0 || (old === by && old !== "")) return text;
  const parts = old === "" ? ["", ...text, ""] : text.split(old);
  const limit = times < 0 ? parts.length - 1 : Math.min(times, parts.length - 1);
  spend(budget, parts.length);
  spendOutput(budget, text.length + limit * by.length);
  const head = parts.slice(0, limit + 1).join(by);
  return limit === parts.length - 1 ? head : [head, ...parts.slice(limit + 1)].join(old);
}

/** What asks JavaScript for each character takes a step for every four of them. */
function mapped(map: (text: string) => string): FunctionEntry["call"] {
  return ([text], { budget }) => {
    spend(budget, (text as string).length >> 2);
    return map(text as string);
  };
}

function sameFolded([left, right]: readonly Item[], { budget }: Evaluation): Item {
  spend(budget, Math.min((left as string).length, (right as string).length) >> 2);
  return equalFold(left as string, right as string);
}

function trim([text, cutset]: readonly Item[], { budget }: Evaluation): Item {
  const points = [...(text as string)];
  spend(budget, points.length);
  const set = new Set(cutset as string);
  let start = 0;
  let end = points.length;
  while (start < end && set.has(points[start] as string)) start++;
  while (end > start && set.has(points[end - 1] as string)) end--;
  return points.slice(start, end).join("");
}

function trimPrefix([text, prefix]: readonly Item[]): Item {
  const whole = text as string;
  return whole.startsWith(prefix as string) ? whole.slice((prefix as string).length) : whole;
}

function split([text, separator]: readonly Item[], { budget }: Evaluation): Item {
  const parts = separator === "" ? [...(text as string)] : (text as string).split(separator as string);
  checkList(budget, parts.length);
  spendOutput(budget, (text as string).length);
  return parts;
}

function truncate([text, length]: readonly Item[]): Item {
  const count = Number(toInt64(Math.max(length as number, 0)));
  if (count < 1) return "";
  let end = 0;
  let seen = 0;
  for (const point of text as string) {
    if (seen++ >= count) break;
    end += point.length;
  }
  return (text as string).slice(0, end);
}

function toBoolean([text]: readonly Item[]): Item {
  const lower = toLower(text as string);
  if (lower === "true" || lower === "false") return lower === "true";
  const shown = (text as string).slice(0, 80);
  throw new ConditionError(`\`to_boolean\` takes \`true\` or \`false\`, got \`${shown}\``, {
    code: "wrongType",
  });
}

function sum([list]: readonly Item[]): Item {
  const [first, ...rest] = list as readonly Value[];
  if (first === undefined)
    throw new ConditionError("`sum` takes at least one element", { code: "badArgument" });
  return rest.reduce<Item>((total, item) => compute("sum", total, item), first);
}

function round([value, places]: readonly Item[]): Item {
  const count = places as number;
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 63) {
    throw new ConditionError("`round` takes a non-negative integer of places", { code: "badArgument" });
  }
  const shift = powerOfTen(count);
  const scaled = (value as number) * shift;
  return roundAway(scaled) / shift;
}

/**
 * `math.Pow(10, count)`: by squaring, on a mantissa in [0.5, 1). Its last bit, which rounding shows, is not that of `**`.
 */
function powerOfTen(count: number): number {
  // Beyond float64.
  if (count > 400) return Number.POSITIVE_INFINITY;
  let [power, exponent] = [1, 0];
  let [square, squareExponent] = [0.625, 4];
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      power *= square;
      exponent += squareExponent;
    }
    square *= square;
    squareExponent *= 2;
    if (square < 0.5) {
      square *= 2;
      squareExponent--;
    }
  }
  // In two steps, for 2 ** 1024 alone is infinite.
  const half = exponent >> 1;
  return power * 2 ** half * 2 ** (exponent - half);
}

/** Half away from zero, as `math.Round`. */
function roundAway(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

function regexMatch([pattern, text]: readonly Item[], evaluation: Evaluation): Item {
  const subject = looseText(text as Item);
  return compileRegexp(pattern as string, evaluation.budget, subject)
    .matcher(subject)
    .find();
}

function regexReplace(expand: boolean): FunctionEntry["call"] {
  return ([pattern, text, replacement], { budget }) =>
    replaceAll({
      pattern: pattern as string,
      text: looseText(text as Item),
      replacement: looseText(replacement as Item),
      expand,
      budget,
    });
}

/** Name → function. */
export const textFunctions: ReadonlyMap<string, FunctionEntry> = new Map<string, FunctionEntry>([
  [
    "compare",
    { takes: [string, string], call: ([a, b]) => BigInt(Math.sign(compareText(a as string, b as string))) },
  ],
  ["equal_fold", { takes: [string, string], call: sameFolded }],
  ["replace", { takes: [string, string, string, number], call: replace }],
  ["replace_all", { takes: [string, string, string], call: replaceEvery }],
  ["to_upper", { takes: [string], call: mapped(toUpper) }],
  ["to_lower", { takes: [string], call: mapped(toLower) }],
  ["trim", { takes: [string, string], call: trim }],
  ["trim_prefix", { takes: [string, string], call: trimPrefix }],
  ["split", { takes: [string, string], call: split }],
  ["regex_match", { takes: [string, stringOrNumber], call: regexMatch }],
  ["regex_replace_all", { takes: [string, stringOrNumber, stringOrNumber], call: regexReplace(true) }],
  [
    "regex_replace_all_literal",
    { takes: [string, stringOrNumber, stringOrNumber], call: regexReplace(false) },
  ],
  [
    "pattern_match",
    {
      takes: [string, stringOrNumber],
      call: ([pattern, text], { budget }) =>
        matchWildcard(budget, pattern as string, looseText(text as Item)),
    },
  ],
  ["to_boolean", { takes: [string], call: toBoolean }],
  ["truncate", { takes: [string, number], call: truncate }],
  ["add", { takes: [any, any], call: ([a, b]) => compute("add", a as Item, b as Item) }],
  ["subtract", { takes: [any, any], call: ([a, b]) => compute("subtract", a as Item, b as Item) }],
  ["multiply", { takes: [any, any], call: ([a, b]) => compute("multiply", a as Item, b as Item) }],
  ["divide", { takes: [any, any], call: ([a, b]) => compute("divide", a as Item, b as Item) }],
  ["modulo", { takes: [any, any], call: ([a, b]) => compute("modulo", a as Item, b as Item) }],
  ["sum", { takes: [["array"]], plainLists: "error", call: sum }],
  ["round", { takes: [number, number], call: round }],
]);
