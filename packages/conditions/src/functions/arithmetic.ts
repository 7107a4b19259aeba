import { ConditionError } from "../condition-error.ts";
import { durationSeconds, formatDuration, parseDuration, toInt64, wrapInt64 } from "../go/duration.ts";
import { formatNumber } from "../go/go-number.ts";
import { addDuration, formatTimeExact, type GoTime, parseTime, timeDifference } from "../go/go-time.ts";
import {
  addQuantities,
  divideQuantity,
  formatQuantity,
  multiplyQuantity,
  parseQuantity,
  type Quantity,
  quantityNumber,
  subtractQuantities,
} from "../go/quantity.ts";
import type { Item } from "./evaluation.ts";

/** The functions of Kyverno that compute. */
export type ArithmeticName = "add" | "subtract" | "multiply" | "divide" | "modulo" | "sum";

type Operand =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "quantity"; readonly value: Quantity }
  | { readonly kind: "duration"; readonly value: bigint };

/** As they are written between two operands. */
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%";

const names: Readonly<Record<ArithmeticOperator, ArithmeticName>> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "%": "modulo",
};

/**
 * The operators of our extension: Kyverno's functions, and besides RFC 3339 times ± durations and the difference of
 * two times. Times keep their fraction and offset.
 */
export function arithmetic(operator: ArithmeticOperator, left: Item, right: Item): Item {
  const time = typeof left === "string" ? parseTime(left) : undefined;
  if (time !== undefined && typeof right === "string") return timeArithmetic(operator, time, right);
  const later = typeof right === "string" ? parseTime(right) : undefined;
  if (later !== undefined && typeof left === "string" && operator === "+") {
    return timeArithmetic(operator, later, left);
  }
  return compute(names[operator], left, right);
}

function timeArithmetic(operator: ArithmeticOperator, time: GoTime, right: string): Item {
  const duration = parseDuration(right);
  if (duration !== undefined && operator === "+") return formatTimeExact(addDuration(time, duration));
  if (duration !== undefined && operator === "-") return formatTimeExact(addDuration(time, -duration));
  const other = operator === "-" ? parseTime(right) : undefined;
  if (other !== undefined) return formatDuration(timeDifference(time, other));
  throw mismatch(names[operator]);
}

/** Kyverno's `add`, `subtract`, `multiply`, `divide`, `modulo`: numbers, quantities and durations by its rules. */
export function compute(name: ArithmeticName, left: Item, right: Item): Item {
  const first = operand(name, left);
  const second = operand(name, right);
  switch (name) {
    case "add":
    case "sum":
    case "subtract":
      return addOrSubtract(name, first, second);
    case "multiply":
      return multiply(first, second);
    case "divide":
      return divide(first, second);
    case "modulo":
      return modulo(first, second);
  }
}

/** INVARIANT: text is a quantity first: `1m` is a thousandth, not a minute. */
function operand(name: ArithmeticName, item: Item): Operand {
  if (typeof item === "number") return { kind: "number", value: item };
  if (typeof item === "string") {
    const quantity = parseQuantity(item);
    if (quantity !== undefined) return { kind: "quantity", value: quantity };
    const duration = parseDuration(item);
    if (duration !== undefined) return { kind: "duration", value: duration };
  }
  throw new ConditionError(`\`${name}\` takes numbers, quantities and durations`, { code: "badArgument" });
}

function mismatch(name: ArithmeticName): ConditionError {
  return new ConditionError(`\`${name}\` cannot combine these two types`, { code: "wrongType" });
}

function zeroDivisor(name: ArithmeticName): ConditionError {
  return new ConditionError(`\`${name}\` by zero`, { code: "badArgument" });
}

function addOrSubtract(name: "add" | "subtract" | "sum", left: Operand, right: Operand): Item {
  const minus = name === "subtract";
  if (left.kind === "number" && right.kind === "number") {
    return minus ? left.value - right.value : left.value + right.value;
  }
  if (left.kind === "quantity" && right.kind === "quantity") {
    return formatQuantity((minus ? subtractQuantities : addQuantities)(left.value, right.value));
  }
  if (left.kind === "duration" && right.kind === "duration") {
    return formatDuration(wrapInt64(minus ? left.value - right.value : left.value + right.value));
  }
  throw mismatch(name);
}

function multiply(left: Operand, right: Operand): Item {
  if (left.kind === "number" && right.kind === "number") return left.value * right.value;
  const [factor, scaled] = left.kind === "number" ? [left, right] : [right, left];
  if (factor.kind !== "number" || scaled.kind === "number") throw mismatch("multiply");
  if (scaled.kind === "quantity")
    return formatQuantity(multiplyQuantity(scaled.value, asQuantity(factor.value)));
  return formatDuration(toInt64(durationSeconds(scaled.value) * factor.value * 1e9));
}

/** Kyverno writes the number as text and reads that as a quantity. */
function asQuantity(value: number): Quantity {
  const quantity = parseQuantity(formatNumber(value));
  if (quantity === undefined) throw new ConditionError("the number is no quantity", { code: "badArgument" });
  return quantity;
}

function divide(left: Operand, right: Operand): Item {
  if (left.kind === "number") {
    if (right.kind !== "number") throw mismatch("divide");
    if (right.value === 0) throw zeroDivisor("divide");
    return left.value / right.value;
  }
  if (left.kind === "quantity") return divideQuantities(left.value, right);
  if (right.kind === "quantity") throw mismatch("divide");
  const divisor = right.kind === "number" ? right.value : durationSeconds(right.value);
  if (divisor === 0) throw zeroDivisor("divide");
  const quotient = durationSeconds(left.value) / divisor;
  return right.kind === "duration" ? quotient : formatDuration(toInt64(quotient * 1e9));
}

function divideQuantities(left: Quantity, right: Operand): Item {
  if (right.kind === "duration") throw mismatch("divide");
  if (right.kind === "quantity") {
    const divisor = quantityNumber(right.value);
    if (divisor === 0) throw zeroDivisor("divide");
    return quantityNumber(left) / divisor;
  }
  if (right.value === 0) throw zeroDivisor("divide");
  return formatQuantity(divideQuantity(left, asQuantity(right.value)));
}

function modulo(left: Operand, right: Operand): Item {
  if (left.kind === "number" && right.kind === "number") {
    return Number(integer(left.value) % nonZero(integer(right.value)));
  }
  if (left.kind === "quantity" && right.kind === "quantity") {
    const rest = integer(quantityNumber(left.value)) % nonZero(integer(quantityNumber(right.value)));
    return formatQuantity({ unscaled: rest, scale: 0, format: left.value.format });
  }
  if (left.kind === "duration" && right.kind === "duration") {
    return formatDuration(left.value % nonZero(right.value));
  }
  throw mismatch("modulo");
}

function integer(value: number): bigint {
  const whole = toInt64(value);
  if (Number(whole) === value) return whole;
  throw new ConditionError("`modulo` takes integers", { code: "badArgument" });
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw zeroDivisor("modulo");
  return value;
}
