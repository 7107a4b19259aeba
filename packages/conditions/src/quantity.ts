import { startsLikeNumber } from "./duration.ts";

// Quantities of Kubernetes (k8s.io/apimachinery/pkg/api/resource): `500m`, `1Gi`, `1e3`, exact.

/** How a quantity was written, which is how it is written again. */
type Format = "decimal" | "binary" | "exponent";

/** The value is `unscaled · 10^-scale`. */
export interface Quantity {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: Format;
}

const pattern = /^([+-]?)([0-9]*)(\.[0-9]*)?([eEinumkKMGTP]*(?:[+-]?[0-9]*))$/;
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
/** Beyond this an exponent says nothing about resources, and the numbers would eat the memory. */
const MAX_EXPONENT = 1_000;

/** `resource.ParseQuantity`; `undefined` where it errs. */
export function parseQuantity(text: string): Quantity | undefined {
  if (!startsLikeNumber(text) || text.length > 1_000) return undefined;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction.length < 2) return lonely(text, whole, fraction, suffix);
  const meaning = interpret(suffix);
  if (meaning === undefined) return undefined;
  const { base, exponent, format } = meaning;
  const digits = BigInt(`0${whole}${fraction.slice(1)}`);
  const places = Math.max(fraction.length - 1, 0);
  const scale = base === 10 ? places - exponent : places;
  const unscaled = base === 10 ? digits : digits << BigInt(exponent);
  const value = bounded({ unscaled, scale, format });
  return sign === "-" ? { ...value, unscaled: -value.unscaled } : value;
}

/**
 * Numbers without a digit. apimachinery reads the leading zeros first and takes what is left for the number: a sign
 * alone is 0, while `.` and a suffix alone are refused.
 */
function lonely(text: string, whole: string, fraction: string, suffix: string): Quantity | undefined {
  const bare = whole === "" && fraction === "" && suffix === "" && text !== "";
  return bare ? { unscaled: 0n, scale: 0, format: "decimal" } : undefined;
}

function interpret(suffix: string): { base: 2 | 10; exponent: number; format: Format } | undefined {
  if (Object.hasOwn(decimal, suffix)) return { base: 10, exponent: decimal[suffix] ?? 0, format: "decimal" };
  if (Object.hasOwn(binary, suffix)) return { base: 2, exponent: binary[suffix] ?? 0, format: "binary" };
  if (!/^[eE][+-]?[0-9]+$/.test(suffix)) return undefined;
  const exponent = Number(suffix.slice(1));
  return Math.abs(exponent) > MAX_EXPONENT ? undefined : { base: 10, exponent, format: "exponent" };
}

/** Below a nano the value is rounded up, away from zero; binary quantities stop at 2^63-1. */
function bounded(quantity: Quantity): Quantity {
  const { unscaled, scale, format } = roundUp(quantity, 9);
  if (format !== "binary") return { unscaled, scale, format };
  const one = 10n ** BigInt(Math.max(scale, 0));
  if (unscaled > MAX_INT64 * one) return { unscaled: MAX_INT64, scale: 0, format };
  return { unscaled, scale, format: unscaled > 0n && unscaled < one ? "decimal" : format };
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
  const [a, b] = aligned(left, right);
  return a < b ? -1 : a > b ? 1 : 0;
}

function aligned(left: Quantity, right: Quantity): [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
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
  const shifted = power >= 0 ? left.unscaled * 10n ** BigInt(power) : left.unscaled / 10n ** BigInt(-power);
  return { unscaled: shifted / divisor.unscaled, scale, format: left.format };
}

/** `AsApproximateFloat64`. */
export function quantityNumber({ unscaled, scale }: Quantity): number {
  const base = Number(unscaled);
  return scale === 0 ? base : scale > 0 ? base * 10 ** -scale : base * 10 ** -scale;
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
