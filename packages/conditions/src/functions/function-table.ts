import { distance } from "fastest-levenshtein";
import { ConditionError } from "../condition-error.ts";
import { printText } from "../go/go-text.ts";
import { isObject } from "../json.ts";
import { spend } from "../limits.ts";
import { type Evaluation, type Item, isPlainList } from "./evaluation.ts";

/** The types that functions ask for, as go-jmespath names them. */
export type ArgumentType =
  | "string"
  | "number"
  | "array"
  | "object"
  | "array[number]"
  | "array[string]"
  | "expref"
  | "any";

export interface FunctionEntry {
  /** One list of accepted types per argument; absent: any number of arguments of any type. */
  readonly takes?: readonly (readonly ArgumentType[])[];
  /** The last argument may be repeated; like go-jmespath, such functions check no types. */
  readonly variadic?: true;
  /** Takes no list that `items()` made: Kyverno answers an error there, or crashes. */
  readonly plainLists?: "error" | "crash";
  /** INVARIANT: called with as many arguments, of such types, as `takes` says. */
  readonly call: (args: readonly Item[], evaluation: Evaluation) => Item;
}

export type FunctionTable = ReadonlyMap<string, FunctionEntry>;

/** The error about a function that is not in the table, with the nearest one. */
export function unknownFunction(name: string, table: FunctionTable): ConditionError {
  const nearest = nearestOf(name, table.keys());
  const hint = nearest === undefined ? "" : `, did you mean \`${nearest}\`?`;
  return new ConditionError(`unknown function \`${name}\`${hint}`, {
    code: "unknownFunction",
    key: name,
    ...(nearest !== undefined && { nearest }),
  });
}

/** Checks number and types of the arguments, then calls the function. */
export function callFunction(
  name: string,
  entry: FunctionEntry,
  args: readonly Item[],
  evaluation: Evaluation,
): Item {
  for (const arg of args) spendOn(arg, evaluation);
  if (entry.takes !== undefined) checkArguments(name, entry, args, evaluation);
  if (entry.plainLists && args.some((arg) => Array.isArray(arg) && !isPlainList(arg))) {
    const code = entry.plainLists === "error" ? "wrongType" : "undefinedInKyverno";
    throw new ConditionError(`\`${name}\` does not take what \`items\` makes`, { code });
  }
  return entry.call(args, evaluation);
}

/**
 * A function reads its arguments once, whatever else it spends. Large ones may be handed to it again for every element
 * of a list.
 */
function spendOn(arg: Item, { budget }: Evaluation): void {
  if (typeof arg === "string") spend(budget, arg.length >> 6);
  else if (Array.isArray(arg)) spend(budget, arg.length >> 4);
  else if (isObject(arg)) spend(budget, Object.keys(arg).length >> 4);
}

function checkArguments(
  name: string,
  entry: FunctionEntry,
  args: readonly Item[],
  evaluation: Evaluation,
): void {
  const { takes = [], variadic = false } = entry;
  if (variadic ? args.length < takes.length : args.length !== takes.length) {
    const wanted = `${variadic ? "at least " : ""}${takes.length}`;
    throw new ConditionError(`\`${name}\` takes ${wanted} arguments, got ${args.length}`, {
      code: "wrongArity",
    });
  }
  if (variadic) return;
  takes.forEach((types, index) => {
    const arg = args[index] as Item;
    if (types.some((type) => isType(arg, type))) return;
    const got = printText(arg, evaluation.budget);
    const shown = got.length > 80 ? `${got.slice(0, 80)}…` : got;
    const message = `\`${name}\` takes ${types.join(" or ")} as argument ${index + 1}, got \`${shown}\``;
    throw new ConditionError(message, { code: "wrongType" });
  });
}

function isType(item: Item, type: ArgumentType): boolean {
  switch (type) {
    case "any":
      return true;
    case "string":
    case "number":
      return typeof item === type;
    case "array":
      return Array.isArray(item);
    case "object":
      return isObject(item);
    case "array[number]":
      return isPlainList(item) && item.every((element) => typeof element === "number");
    case "array[string]":
      return isPlainList(item) && item.every((element) => typeof element === "string");
    case "expref":
      return typeof item === "function";
  }
}

/** The candidate that is closest in spelling, if any is close at all. Looks at short names only. */
export function nearestOf(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 100) return undefined;
  let best: string | undefined;
  let bestDistance = (name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3))) + 1;
  if (name.length < 2) return undefined;
  let seen = 0;
  for (const candidate of candidates) {
    if (++seen > 1_000) break;
    if (candidate.length > 100) continue;
    const found = distance(name.toLowerCase(), candidate.toLowerCase());
    if (found < bestDistance) {
      best = candidate;
      bestDistance = found;
    }
  }
  return best;
}
