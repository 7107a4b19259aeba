// strconv of Go: what counts as a number in text, and how numbers become text.

const digits = "[0-9]+(?:_[0-9]+)*";
const decimal = new RegExp(`^[+-]?(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:[eE][+-]?${digits})?$`);
const hexadecimal = /^([+-]?)0[xX](_?[0-9a-fA-F_]*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?[0-9]+)$/;
const infinity = /^([+-]?)inf(?:inity)?$/i;

/**
 * `strconv.ParseFloat(text, 64)`; `undefined` where it errs, which includes numbers out of range. It takes `+5`,
 * `.5`, `5.`, `1_000`, `0x1p-2`, `inf` and `nan`, but no spaces and no `0x10`.
 */
export function parseFloat64(text: string): number | undefined {
  if (decimal.test(text)) {
    const value = Number(text.replaceAll("_", ""));
    return Number.isFinite(value) ? value : undefined;
  }
  if (/^nan$/i.test(text)) return Number.NaN;
  const infinite = infinity.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return parseHexFloat(text);
}

/** `math.Pow10`: of two factors that are exact or rounded once. The last bit of `10 ** -4` is another one. */
export function tenTo(exponent: number): number {
  if (exponent < -323) return 0;
  if (exponent > 308) return Number.POSITIVE_INFINITY;
  const size = Math.abs(exponent);
  const [coarse, fine] = [size - (size % 32), size % 32];
  return exponent < 0
    ? Number(`1e-${coarse}`) / Number(`1e${fine}`)
    : Number(`1e${coarse}`) * Number(`1e${fine}`);
}

function parseHexFloat(text: string): number | undefined {
  const match = hexadecimal.exec(text);
  if (match === null) return undefined;
  const [, sign, rawWhole = "", rawFraction = "", power = "0"] = match;
  if (/__|_\.|\._|_$|_[pP]/.test(text)) return undefined;
  const whole = rawWhole.replaceAll("_", "");
  const fraction = rawFraction.replaceAll("_", "");
  if (whole === "" && fraction === "") return undefined;
  const shift = Number(power) - 4 * fraction.length;
  // One rounding: the mantissa is exact, and so is a power of two in range.
  const value = Number(BigInt(`0x0${whole}${fraction}`)) * 2 ** shift;
  if (!Number.isFinite(value)) return undefined;
  return sign === "-" ? -value : value;
}

/** `strconv.ParseInt(text, 10, 64)`. */
export function parseInt64(text: string): bigint | undefined {
  const [, sign = "", digits = ""] = /^([+-]?)([0-9]+)$/.exec(text) ?? [];
  const significant = digits.replace(/^0+/, "");
  if (digits === "" || significant.length > 19) return undefined;
  const value = BigInt(`${sign === "-" ? "-" : ""}${significant === "" ? "0" : significant}`);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** A float64 as fmt's `%v` writes it: 100000 is `100000`, 1000000 is `1e+06`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, power] = scientific(value);
  return power < -4 || power >= 6 ? mantissa + exponentText(power) : shiftPoint(mantissa, power);
}

/** encoding/json's (and, but for the exponent, jsoniter's) text of a float64. */
export function jsonNumber(value: number, exponent: "short" | "padded"): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const size = Math.abs(value);
  const [mantissa, power] = scientific(value);
  if (size >= 1e-6 && size < 1e21) return shiftPoint(mantissa, power);
  return mantissa + (exponent === "padded" ? exponentText(power) : exponentText(power).replace("e-0", "e-"));
}

/** The shortest text of the nearest float32, without exponent: what Kyverno makes of a number where it wants text. */
export function formatFloat32(value: number): string {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return formatNumber(single);
  if (single === 0) return Object.is(single, -0) ? "-0" : "0";
  for (let precision = 1; precision <= 9; precision++) {
    const text = single.toExponential(precision - 1);
    if (Math.fround(Number(text)) !== single) continue;
    const [mantissa = "", power = "0"] = text.split("e");
    return shiftPoint(mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa, Number(power));
  }
  return String(single);
}

function scientific(value: number): [mantissa: string, power: number] {
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  return [mantissa, Number(power)];
}

function exponentText(power: number): string {
  return `e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** `1.25` and 3 make `1250`; `1.25` and -2 make `0.0125`. */
function shiftPoint(mantissa: string, power: number): string {
  const negative = mantissa.startsWith("-");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const all = whole + fraction;
  const point = whole.length + power;
  let text: string;
  if (point <= 0) text = `0.${"0".repeat(-point)}${all}`;
  else if (point >= all.length) text = all + "0".repeat(point - all.length);
  else text = `${all.slice(0, point)}.${all.slice(point)}`;
  return negative ? `-${text}` : text;
}
