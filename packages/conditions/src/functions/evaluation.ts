import { ConditionError } from "../condition-error.ts";
import { isObject, type Value, type ValueObject } from "../json.ts";
import { type Budget, spend } from "../limits.ts";
import type { Scope } from "../scope.ts";

/** What a step gives when a path named a key that is not there: Kyverno's NotFoundError, which most steps turn into null. */
export const MISSING: unique symbol = Symbol("missing");
export type Missing = typeof MISSING;

/** A value inside an evaluation: JSON, or the `&expression` that some functions take. */
export type Item = Value | Run;

/** A compiled node: applies itself to a value. */
export type Run = (value: Item, evaluation: Evaluation) => Item | Missing;

/** The state of one evaluation. */
export interface Evaluation {
  readonly scope: Scope;
  readonly budget: Budget;
  /** Values of the variables nested inside this expression. */
  readonly holes: readonly Value[];
  /** Where the last `MISSING` came from. */
  missing:
    | { readonly key: string; readonly object: ValueObject | undefined; readonly offset: number }
    | undefined;
}

const MAP_LIST: unique symbol = Symbol("list of maps");

/**
 * Marks what `items()` made. In Kyverno that is a Go slice of maps, which paths and projections take for a list while
 * most functions do not.
 */
export function markMapList(list: readonly Value[]): readonly Value[] {
  return Object.defineProperty([...list], MAP_LIST, { value: true });
}

/** A list that is not what `items()` made. */
export function isPlainList(item: unknown): item is readonly Value[] {
  return Array.isArray(item) && !(MAP_LIST in item);
}

/** Kyverno's null for everything that most steps do not care about. */
export function orNull(item: Item | Missing): Item {
  return item === MISSING ? null : item;
}

/** JMESPath's falsehood: false, null, and empty texts, lists and objects; the number 0 is true. */
export function isFalse(item: Item): boolean {
  if (item === null || item === false || item === "") return true;
  if (Array.isArray(item)) return item.length === 0;
  if (!isObject(item)) return false;
  for (const key in item) if (Object.hasOwn(item, key)) return false;
  return true;
}

/** `reflect.DeepEqual`: int64 and float64 are never equal, NaN is not equal to itself. */
export function deepEqual(left: Item, right: Item, evaluation: Evaluation, depth = 0): boolean {
  if (typeof left === "string" && typeof right === "string") {
    if (left.length === right.length) spend(evaluation.budget, left.length >> 8);
    return left === right;
  }
  if (typeof left === "function" && typeof right === "function") {
    throw new ConditionError("references are not compared", { code: "unsupported" });
  }
  if (left === right) return !(typeof left === "number" && Number.isNaN(left));
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  spendComparison(evaluation, depth);
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length || isPlainList(left) !== isPlainList(right))
      return false;
    return left.every((item, index) => deepEqual(item, right[index], evaluation, depth + 1));
  }
  if (Array.isArray(right) || !isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(right, key) && deepEqual(left[key] as Item, right[key] as Item, evaluation, depth + 1),
  );
}

function spendComparison({ budget }: Evaluation, depth: number): void {
  budget.steps--;
  if (budget.steps < 0 || depth > budget.limits.depth) {
    throw new ConditionError("the compared values are too large or too deep", { code: "limitExceeded" });
  }
}
