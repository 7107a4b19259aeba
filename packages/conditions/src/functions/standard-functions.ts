import { ConditionError, wrongType } from "../condition-error.ts";
import { parseFloat64 } from "../go/go-number.ts";
import { compareText, jsonText } from "../go/go-text.ts";
import { isObject, setOwn, type Value } from "../json.ts";
import { checkList, spend, spendOutput } from "../limits.ts";
import { type Evaluation, type Item, isPlainList, MISSING, orNull, type Run } from "./evaluation.ts";
import type { ArgumentType, FunctionEntry } from "./function-table.ts";

// The functions of the JMESPath specification, with the types and edges of go-jmespath.

type List = readonly Value[];
type Comparable = string | number;

function entry(takes: readonly ArgumentType[], call: FunctionEntry["call"]): FunctionEntry {
  return { takes: takes.map((types) => types.split("|") as ArgumentType[]), call };
}

/** For functions that only take lists of Go's usual type. */
function plain(
  takes: readonly ArgumentType[],
  plainLists: "error" | "crash",
  call: FunctionEntry["call"],
): FunctionEntry {
  return { ...entry(takes, call), plainLists };
}

function oneOf(...types: readonly ArgumentType[]): ArgumentType {
  return types.join("|") as ArgumentType;
}

function crash(message: string): ConditionError {
  return new ConditionError(message, { code: "undefinedInKyverno" });
}

/** The number of code points, as Go counts. */
function textLength(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function length([arg]: readonly Item[], { budget }: Evaluation): Item {
  if (typeof arg === "string") {
    spend(budget, arg.length >> 6);
    return textLength(arg);
  }
  return Array.isArray(arg) ? arg.length : Object.keys(arg as object).length;
}

function contains([where, what]: readonly Item[], evaluation: Evaluation): Item {
  if (typeof where === "string") return typeof what === "string" && where.includes(what);
  if (!isPlainList(where)) throw crash("`contains` does not take what `items` makes");
  const list = where;
  spend(evaluation.budget, list.length);
  return list.some((item) => {
    // Go panics when it compares two of these, also one with itself.
    if (!isComparable(item) && kindOf(item) === kindOf(what)) {
      throw crash("`contains` cannot look for lists, objects or references inside a list");
    }
    return item === what;
  });
}

function isComparable(item: Item | undefined): boolean {
  return item === null || (typeof item !== "object" && typeof item !== "function");
}

/** Go's type of a value that cannot be compared. */
function kindOf(item: Item | undefined): string {
  if (!Array.isArray(item)) return item === null ? "null" : typeof item;
  return isPlainList(item) ? "list" : "list of maps";
}

function extreme(direction: 1 | -1): FunctionEntry["call"] {
  return ([arg], { budget }) => {
    const items = arg as readonly Comparable[];
    spend(budget, items.length);
    const [first = null, ...rest] = items;
    return rest.reduce<Comparable | null>(
      (best, item) => (order(item, best) * direction > 0 ? item : best),
      first,
    );
  };
}

function order(left: Comparable | null, right: Comparable | null): number {
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  const a = left as number;
  const b = right as number;
  return a > b ? 1 : a < b ? -1 : 0;
}

function extremeBy(direction: 1 | -1): FunctionEntry["call"] {
  return ([arg, by], evaluation) => {
    const list = arg as List;
    if (list.length < 2) return list[0] ?? null;
    checkList(evaluation.budget, list.length);
    const keys = list.map((item) => orNull((by as Run)(item, evaluation)));
    const kind = keyKind(keys[0]);
    let best = 0;
    keys.forEach((key, at) => {
      if (typeof key !== kind) throw wrongType(`the compared values must all be of type ${kind}`);
      if (order(key as Comparable, keys[best] as Comparable) * direction > 0) best = at;
    });
    return list[best] ?? null;
  };
}

function keyKind(key: Item | undefined): "number" | "string" {
  if (typeof key === "number" || typeof key === "string") return typeof key as "number" | "string";
  throw wrongType("the compared values must be numbers or strings");
}

function sortBy([arg, by]: readonly Item[], evaluation: Evaluation): Item {
  const list = arg as List;
  if (list.length < 2) return list;
  spend(evaluation.budget, list.length * Math.ceil(Math.log2(list.length)));
  const first = orNull((by as Run)(list[0] as Value, evaluation));
  const kind = keyKind(first);
  const keyed = list.map((item) => {
    const key = (by as Run)(item, evaluation);
    if (key === MISSING || typeof key !== kind)
      throw wrongType("`sort_by` compares values of different types");
    return { item, key: key as Comparable };
  });
  // A new list: go-jmespath sorts its input in place, so that later expressions see the data changed.
  return keyed.sort((a, b) => totalOrder(a.key, b.key)).map(({ item }) => item);
}

function sort([arg]: readonly Item[], { budget }: Evaluation): Item {
  const list = arg as readonly Comparable[];
  spend(budget, list.length * Math.ceil(Math.log2(list.length + 1)));
  return [...list].sort(totalOrder);
}

/**
 * Go's `sort` puts NaN before every other number, and so does `sort_by` here: by an order in which it is equal to all of them,
 * the other numbers would not be sorted either.
 */
function totalOrder(left: Comparable, right: Comparable): number {
  return Number(Number.isNaN(right)) - Number(Number.isNaN(left)) || order(left, right);
}

function merge(args: readonly Item[], { budget }: Evaluation): Item {
  const merged: Record<string, Value> = {};
  for (const arg of args) {
    if (!isObject(arg)) throw crash("`merge` takes objects only");
    const entries = Object.entries(arg);
    spend(budget, entries.length);
    for (const [key, value] of entries) setOwn(merged, key, value);
  }
  return merged;
}

function map([by, arg]: readonly Item[], evaluation: Evaluation): Item {
  const list = arg as List;
  checkList(evaluation.budget, list.length);
  return list.map((item) => orNull((by as Run)(item, evaluation)) as Value);
}

function type([arg]: readonly Item[]): Item {
  if (arg === null) return "null";
  if (Array.isArray(arg)) return "array";
  if (typeof arg === "bigint" || typeof arg === "function") throw wrongType("the value has no JMESPath type");
  return typeof arg as string;
}

function toNumber([arg]: readonly Item[], { budget }: Evaluation): Item {
  if (typeof arg === "number") return arg;
  if (typeof arg === "string") {
    spend(budget, arg.length >> 2);
    return parseFloat64(arg) ?? null;
  }
  if (typeof arg === "bigint" || typeof arg === "function") throw wrongType("the value has no JMESPath type");
  return null;
}

function join([separator, arg]: readonly Item[], { budget }: Evaluation): Item {
  const list = arg as readonly string[];
  const size = list.reduce((sum, text) => sum + text.length, list.length * (separator as string).length);
  spendOutput(budget, size + list.length);
  return list.join(separator as string);
}

function reverse([arg]: readonly Item[], { budget }: Evaluation): Item {
  if (typeof arg !== "string") {
    checkList(budget, (arg as List).length);
    return [...(arg as List)].reverse();
  }
  spendOutput(budget, arg.length);
  return [...arg].reverse().join("");
}

function sum([arg]: readonly Item[]): Item {
  return (arg as readonly number[]).reduce((total, item) => total + item, 0);
}

const text = ([arg]: readonly Item[], { budget }: Evaluation): Item =>
  typeof arg === "string" ? arg : jsonText(arg, budget, "short");

/** Name → function, as in the specification: `sum` of numbers included, which Kyverno replaces. */
export const standardFunctions: ReadonlyMap<string, FunctionEntry> = new Map<string, FunctionEntry>([
  ["abs", entry(["number"], ([arg]) => Math.abs(arg as number))],
  ["avg", entry(["array[number]"], ([arg]) => (sum([arg as Item]) as number) / (arg as List).length)],
  ["ceil", entry(["number"], ([arg]) => Math.ceil(arg as number))],
  ["contains", entry([oneOf("array", "string"), "any"], contains)],
  ["ends_with", entry(["string", "string"], ([where, what]) => (where as string).endsWith(what as string))],
  ["floor", entry(["number"], ([arg]) => Math.floor(arg as number))],
  ["join", entry(["string", "array[string]"], join)],
  ["keys", entry(["object"], ([arg]) => Object.keys(arg as object))],
  ["length", entry([oneOf("string", "array", "object")], length)],
  ["map", plain(["expref", "array"], "crash", map)],
  ["max", entry([oneOf("array[number]", "array[string]")], extreme(1))],
  ["max_by", plain(["array", "expref"], "crash", extremeBy(1))],
  ["merge", { takes: [["object"]], variadic: true, call: merge }],
  ["min", entry([oneOf("array[number]", "array[string]")], extreme(-1))],
  ["min_by", plain(["array", "expref"], "crash", extremeBy(-1))],
  [
    "not_null",
    { takes: [["any"]], variadic: true, call: (args) => args.find((arg) => arg !== null) ?? null },
  ],
  ["reverse", plain([oneOf("array", "string")], "crash", reverse)],
  ["sort", entry([oneOf("array[string]", "array[number]")], sort)],
  ["sort_by", plain(["array", "expref"], "crash", sortBy)],
  [
    "starts_with",
    entry(["string", "string"], ([where, what]) => (where as string).startsWith(what as string)),
  ],
  ["sum", entry(["array[number]"], sum)],
  ["to_array", entry(["any"], ([arg]) => (isPlainList(arg) ? arg : [arg as Value]))],
  ["to_number", plain(["any"], "error", toNumber)],
  ["to_string", entry(["any"], text)],
  ["type", plain(["any"], "error", type)],
  ["values", entry(["object"], ([arg]) => Object.values(arg as object) as Value[])],
]);
