import { exceeded } from "../limits.ts";
import { tenTo } from "./go-number.ts";

// Quantities of Kubernetes (k8s.io/apimachinery/pkg/api/resource): `500m`, `1Gi`, `1e3`, exact.

/** How a quantity was written, which is how it is written again. */
type Format = "decimal" | "binary" | "exponent";

/** The value is `unscaled · 10^-scale`. */
export interface Quantity {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: Format;
}

// No two neighbours take the same character: texts from strangers are read in linear time.
const pattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eEinumkKMGTP]+(?:[+-]?[0-9]+)?)?)$/;
const decimal: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binary: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const suffixes = new Map(Object.entries(decimal).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const MAX_INT64 = 2n ** 63n - 1n;
const NANO = 10n ** 9n;
/** Beyond these a text says nothing about resources, and the numbers would eat the memory. */
const MAX_EXPONENT = 100_000;
const MAX_DIGITS = 1_000;
const MAX_SHIFT = 2_000;

/**
 * `resource.ParseQuantity`; `undefined` where it errs. A suffix alone is 0: `k`, `E-2`, but not `Ei`. Throws
 * `limitExceeded` for what is a quantity, but too large to compute with: taken for text, it would compare otherwise.
 */
export function parseQuantity(text: string): Quantity | undefined {
  if (!/^[-+.0-9eEnumkKMGTP]/.test(text)) return undefined;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign = "", digits = "", fraction = "", suffix = ""] = match;
  const meaning = interpret(suffix);
  if (meaning === undefined) return undefined;
  const whole = digits.replace(/^0+/, "");
  if (whole.length + fraction.length > MAX_DIGITS || Math.abs(meaning.exponent) > MAX_EXPONENT) {
    throw exceeded(`the quantity \`${text.slice(0, 40)}\` is too large`);
  }
  const parts: Parts = { whole: whole === "" ? "0" : whole, fraction, ...meaning };
  // apimachinery's way for numbers that do not fit in an int64 wants at least one digit.
  const quantity =
    small(parts) ?? (/[0-9]/.test(text.slice(0, text.length - suffix.length)) ? large(parts) : undefined);
  if (quantity === undefined) return undefined;
  return sign === "-" ? { ...quantity, unscaled: -quantity.unscaled } : quantity;
}

interface Parts {
  readonly whole: string;
  readonly fraction: string;
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: Format;
}

/** What fits in an int64 keeps its scale; `undefined` when it does not fit, or is finer than a nano. */
function small({ whole, fraction, base, exponent, format }: Parts): Quantity | undefined {
  if (base === 2) {
    const precision = 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1;
    if (fraction !== "" || precision < 0) return undefined;
    const unscaled = BigInt(whole) << BigInt(exponent);
    return unscaled > MAX_INT64 ? undefined : { unscaled, scale: 0, format };
  }
  if (whole.length + fraction.length > 18) return undefined;
  const scale = fraction.length - exponent;
  return scale > 9 ? undefined : { unscaled: BigInt(whole + fraction), scale, format };
}

/** The others are brought to nanos, rounded up and away from zero; binary ones stop at 2^63-1. */
function large({ whole, fraction, base, exponent, format }: Parts): Quantity {
  const digits = BigInt(whole + fraction);
  const unscaled = base === 10 ? digits : digits << BigInt(exponent);
  const scale = fraction.length - (base === 10 ? exponent : 0);
  if (unscaled === 0n) return { unscaled, scale, format };
  const nano = toScale({ unscaled, scale, format }, 9);
  if (format !== "binary") return nano;
  if (nano.unscaled > MAX_INT64 * NANO) return { unscaled: MAX_INT64, scale: 0, format };
  return nano.unscaled < NANO ? { ...nano, format: "decimal" } : nano;
}

/** With exactly so many decimal places, rounded away from zero. */
function toScale(quantity: Quantity, scale: number): Quantity {
  if (quantity.scale >= scale) return roundUp(quantity, scale);
  return { ...quantity, unscaled: quantity.unscaled * 10n ** BigInt(scale - quantity.scale), scale };
}

function interpret(suffix: string): { base: 2 | 10; exponent: number; format: Format } | undefined {
  if (Object.hasOwn(decimal, suffix)) return { base: 10, exponent: decimal[suffix] ?? 0, format: "decimal" };
  if (Object.hasOwn(binary, suffix)) return { base: 2, exponent: binary[suffix] ?? 0, format: "binary" };
  if (!/^[eE][+-]?[0-9]+$/.test(suffix)) return undefined;
  return { base: 10, exponent: Number(suffix.slice(1)), format: "exponent" };
}

/** At most `scale` decimal places, rounded away from zero. */
function roundUp(quantity: Quantity, scale: number): Quantity {
  if (quantity.scale <= scale) return quantity;
  const divisor = 10n ** BigInt(quantity.scale - scale);
  const away = quantity.unscaled % divisor === 0n ? 0n : quantity.unscaled < 0n ? -1n : 1n;
  return { ...quantity, unscaled: quantity.unscaled / divisor + away, scale };
}

/** -1, 0 or 1. */
export function compareQuantities(left: Quantity, right: Quantity): number {
  const sign = signOf(left);
  if (sign !== signOf(right)) return sign < signOf(right) ? -1 : 1;
  if (sign === 0) return 0;
  // Numbers of as many digits before the point can be aligned without growing by more than their own length.
  const [larger, smaller] = [magnitude(left), magnitude(right)];
  if (larger !== smaller) return larger > smaller ? sign : -sign;
  const [a, b] = aligned(left, right);
  return a < b ? -1 : a > b ? 1 : 0;
}

function signOf({ unscaled }: Quantity): number {
  return unscaled < 0n ? -1 : unscaled > 0n ? 1 : 0;
}

function magnitude({ unscaled, scale }: Quantity): number {
  return String(unscaled < 0n ? -unscaled : unscaled).length - scale;
}

function aligned(left: Quantity, right: Quantity): [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
  if (scale - Math.min(left.scale, right.scale) > MAX_SHIFT)
    throw exceeded("the quantities are too far apart");
  const at = ({ unscaled, scale: own }: Quantity): bigint => unscaled * 10n ** BigInt(scale - own);
  return [at(left), at(right), scale];
}

export function addQuantities(left: Quantity, right: Quantity): Quantity {
  const [a, b, scale] = aligned(left, right);
  return { unscaled: a + b, scale, format: left.unscaled === 0n ? right.format : left.format };
}

export function subtractQuantities(left: Quantity, right: Quantity): Quantity {
  return addQuantities(left, { ...right, unscaled: -right.unscaled });
}

export function multiplyQuantity(left: Quantity, factor: Quantity): Quantity {
  return { unscaled: left.unscaled * factor.unscaled, scale: left.scale + factor.scale, format: left.format };
}

/** Rounded towards zero at the larger scale of both. */
export function divideQuantity(left: Quantity, divisor: Quantity): Quantity {
  const scale = Math.max(left.scale, divisor.scale);
  const power = scale + divisor.scale - left.scale;
  if (Math.abs(power) > MAX_SHIFT) throw exceeded("the quantities are too far apart");
  const shifted = power >= 0 ? left.unscaled * 10n ** BigInt(power) : left.unscaled / 10n ** BigInt(-power);
  return { unscaled: shifted / divisor.unscaled, scale, format: left.format };
}

/** `AsApproximateFloat64`. */
export function quantityNumber({ unscaled, scale }: Quantity): number {
  const base = Number(unscaled);
  return scale === 0 ? base : base * tenTo(-scale);
}

/** The canonical text: the largest suffix that needs no fraction. */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.unscaled === 0n) return "0";
  const { format } = quantity;
  const whole = roundUp(quantity, 0);
  const exact = compareQuantities(whole, quantity) === 0;
  const value = wholeOf(whole);
  if (format === "binary" && exact && (value <= -1024n || value >= 1024n)) return formatBinary(value);
  return formatDecimal(quantity, format === "exponent");
}

function wholeOf({ unscaled, scale }: Quantity): bigint {
  return scale < 0 ? unscaled * 10n ** BigInt(-scale) : unscaled;
}

function formatBinary(value: bigint): string {
  let amount = value;
  let power = 0;
  while (amount % 1024n === 0n) {
    amount /= 1024n;
    power++;
  }
  return `${amount}${binarySuffixes[power] ?? ""}`;
}

function formatDecimal({ unscaled, scale }: Quantity, exponential: boolean): string {
  let amount = unscaled;
  let exponent = -scale;
  while (amount % 10n === 0n) {
    amount /= 10n;
    exponent++;
  }
  while (exponent % 3 !== 0) {
    amount *= 10n;
    exponent--;
  }
  if (exponential) return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  return `${amount}${suffixes.get(exponent) ?? ""}`;
}
