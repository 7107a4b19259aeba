import { matchWildcard } from "../functions/budgeted-wildcard.ts";
import { durationSeconds, parseDuration, toInt64, wrapInt64 } from "../go/duration.ts";
import { parseFloat64, parseInt64 } from "../go/go-number.ts";
import { compareTimes, parseTime } from "../go/go-time.ts";
import { compareQuantities, parseQuantity } from "../go/quantity.ts";
import { compareVersions, parseVersion } from "../go/semver.ts";
import { isObject, type Value } from "../json.ts";
import { checkDepth, spend } from "../limits.ts";
import type { Operator, OperatorContext } from "./operator.ts";

// Equals, NotEquals, and the ordering operators (pkg/engine/variables/operator of Kyverno).

const SECOND = 1_000_000_000n;

/**
 * `Equals` and `NotEquals`. The value is the wildcard pattern, the key the text.
 * INVARIANT: a key that is null fulfils neither of them.
 */
export function equals(negated: boolean): Operator {
  return (key, value, context) => {
    const same = isEqual(key, value, negated, context);
    return same === undefined ? false : same !== negated;
  };
}

/** `undefined` for a key that no comparison is defined for. */
function isEqual(key: Value, value: Value, negated: boolean, context: OperatorContext): boolean | undefined {
  switch (typeof key) {
    case "string":
      return equalsText(key, value, negated, context);
    case "number":
      return typeof value === "string" ? parseFloat64(value) === key : sameNumber(key, value);
    case "bigint":
      return typeof value === "string" ? parseInt64(value) === key : sameNumber(key, value);
    case "boolean":
      return key === value;
    default:
      return key === null ? undefined : sameValue(key, value, context, 0);
  }
}

function equalsText(key: string, value: Value, negated: boolean, context: OperatorContext): boolean {
  const durations = durationPair(key, value);
  if (durations !== undefined) return durationSeconds(durations[0]) === durationSeconds(durations[1]);
  if (typeof value !== "string") return false;
  const quantity = parseQuantity(key);
  if (quantity !== undefined && !(negated && value === "")) {
    const other = parseQuantity(value);
    return other !== undefined && compareQuantities(quantity, other) === 0;
  }
  return matchWildcard(context.budget, value, key);
}

function sameNumber(key: number | bigint, value: Value): boolean {
  if (typeof value !== "number" && typeof value !== "bigint") return false;
  if (typeof key === typeof value) return key === value;
  // As Kyverno converts: a float64 beyond int64 becomes the lowest int64.
  const [whole, float] = typeof key === "bigint" ? [key, value as number] : [value as bigint, key];
  return Number.isInteger(float) && toInt64(float) === whole;
}

/** To the last digit, also of an integer and a float: none is rounded to the other. */
export function sameDigits(left: number | bigint, right: number | bigint): boolean {
  if (typeof left === typeof right) return left === right;
  const [whole, float] = typeof left === "bigint" ? [left, Number(right)] : [right, Number(left)];
  return Number.isInteger(float) && BigInt(float) === whole;
}

/** Deep equality in which numbers compare by value: Kyverno tells int64 from float64 here, by accident of Go. */
function sameValue(left: Value, right: Value, context: OperatorContext, depth: number): boolean {
  checkDepth(context.budget.limits, depth);
  spend(context.budget, 1);
  if (typeof left === "number" || typeof left === "bigint") {
    return (typeof right === "number" || typeof right === "bigint") && sameDigits(left, right);
  }
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameValue(item, right[index], context, depth + 1));
  }
  if (!isObject(left)) return left === right;
  if (!isObject(right) || Array.isArray(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every(
      (key) =>
        Object.hasOwn(right, key) && sameValue(left[key] as Value, right[key] as Value, context, depth + 1),
    )
  );
}

/** Both sides as durations when at least one is a duration's text (`0` is none) and the other one too, or a number of seconds. */
function durationPair(key: Value, value: Value): [bigint, bigint] | undefined {
  const first = durationText(key);
  const second = durationText(value);
  if (first === undefined && second === undefined) return undefined;
  const left = first ?? seconds(key);
  const right = second ?? seconds(value);
  return left === undefined || right === undefined ? undefined : [left, right];
}

function durationText(value: Value): bigint | undefined {
  return typeof value === "string" && value !== "0" ? parseDuration(value) : undefined;
}

function seconds(value: Value): bigint | undefined {
  if (typeof value === "number") return wrapInt64(toInt64(value) * SECOND);
  return typeof value === "bigint" ? wrapInt64(value * SECOND) : undefined;
}

type Test = (sign: number) => boolean;

/** `GreaterThan` and its kin: durations, quantities, numbers, versions, and in our dialect times. */
export function compareNumeric(test: Test): Operator {
  return (key, value, context) => {
    const sign = typeof key === "string" ? orderText(key, value, context) : orderNumber(key, value);
    return sign !== undefined && test(sign);
  };
}

/** `undefined` when there is no order, as with NaN. */
function orderFloats(left: number, right: number): number | undefined {
  return left < right ? -1 : left > right ? 1 : left === right ? 0 : undefined;
}

function orderNumber(key: Value, value: Value): number | undefined {
  if (typeof key !== "number" && typeof key !== "bigint") return undefined;
  if (typeof value === "number" || typeof value === "bigint") return orderFloats(Number(key), Number(value));
  if (typeof value !== "string") return undefined;
  const durations = durationPair(key, value);
  if (durations !== undefined)
    return orderFloats(durationSeconds(durations[0]), durationSeconds(durations[1]));
  const number = parseFloat64(value);
  return number === undefined ? undefined : orderFloats(Number(key), number);
}

function orderText(key: string, value: Value, { dialect }: OperatorContext): number | undefined {
  const durations = durationPair(key, value);
  if (durations !== undefined)
    return orderFloats(durationSeconds(durations[0]), durationSeconds(durations[1]));
  if (typeof value === "string") {
    const left = parseQuantity(key);
    const right = left === undefined ? undefined : parseQuantity(value);
    if (left !== undefined && right !== undefined) return compareQuantities(left, right);
  }
  const number = parseFloat64(key);
  if (number !== undefined) return orderNumber(number, value);
  if (typeof value !== "string") return undefined;
  const version = parseVersion(key);
  const other = version === undefined ? undefined : parseVersion(value);
  if (version !== undefined) return other === undefined ? undefined : compareVersions(version, other);
  if (dialect === "kyverno") return undefined;
  const time = parseTime(key);
  const otherTime = time === undefined ? undefined : parseTime(value);
  return time === undefined || otherTime === undefined ? undefined : compareTimes(time, otherTime);
}

/** The deprecated `Duration…` operators: numbers are seconds, and here `0` is a duration. */
export function compareDurations(test: Test): Operator {
  return (key, value) => {
    const left = durationOrSeconds(key);
    const right = left === undefined ? undefined : durationOrSeconds(value);
    return left !== undefined && right !== undefined && test(left < right ? -1 : left > right ? 1 : 0);
  };
}

function durationOrSeconds(value: Value): bigint | undefined {
  return typeof value === "string" ? parseDuration(value) : seconds(value);
}
