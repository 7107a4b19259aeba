import { ConditionError } from "../condition-error.ts";
import { exceeded } from "../limits.ts";

// time.Duration of Go: int64 nanoseconds.

const MAX = 2n ** 63n;
const MAX_PARTS = 100;
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00B5s": 1_000n,
  "\u03BCs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const part = /([0-9]*)(\.[0-9]*)?([^0-9.]+)/y;

/**
 * `time.ParseDuration`, e.g. `1h30m`, `-1.5s`, `.5ms`, `0`; `undefined` where it errs: no unit, unknown unit (there is
 * no `d`), spaces, more than 2^63 nanoseconds. Throws `limitExceeded` for one of very many parts.
 */
export function parseDuration(text: string): bigint | undefined {
  if (!startsLikeNumber(text)) return undefined;
  const negative = text.startsWith("-");
  const body = negative || text.startsWith("+") ? text.slice(1) : text;
  if (body === "0") return 0n;
  if (body === "") return undefined;
  let total = 0n;
  let parts = 0;
  const reader = new RegExp(part);
  while (reader.lastIndex < body.length) {
    if (++parts > MAX_PARTS) throw exceeded(`a duration has more than ${MAX_PARTS} parts`);
    const match = reader.exec(body);
    const value = match === null ? undefined : parsePart(match);
    if (value === undefined) return undefined;
    total += value;
    if (total > MAX) return undefined;
  }
  if (negative) return -total;
  return total === MAX ? undefined : total;
}

/** A digit, a sign or a point: most texts are told apart from durations by their first character. */
function startsLikeNumber(text: string): boolean {
  const code = text.charCodeAt(0);
  return (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46;
}

function parsePart([, whole = "", fraction = "", unitText = ""]: readonly string[]): bigint | undefined {
  if (whole === "" && fraction.length < 2) return undefined;
  const unit = Object.hasOwn(units, unitText) ? units[unitText] : undefined;
  if (unit === undefined) return undefined;
  const digits = whole.replace(/^0+/, "");
  if (digits.length > 19) return undefined;
  const value = BigInt(digits === "" ? "0" : digits);
  if (value > MAX / unit) return undefined;
  return value * unit + fractionOf(fraction.slice(1), unit);
}

/** Go computes the fraction in float64, and drops the digits that no longer fit in 63 bits. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > (MAX - 1n) / 10n) break;
    const next = value * 10n + BigInt(digit);
    if (next > MAX) break;
    value = next;
    scale *= 10;
  }
  if (value === 0n) return 0n;
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/** The nanoseconds of a duration's text. Throws `badDuration`. */
export function requireDuration(text: string): bigint {
  const value = parseDuration(text);
  if (value === undefined) {
    throw new ConditionError(`\`${text.slice(0, 80)}\` is no duration such as \`24h\` or \`1h30m\``, {
      code: "badDuration",
    });
  }
  return value;
}

/** Go's text of a duration: `1h0m0s`, `1.5s`, `100ms`, `1µs`, `0s`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const sign = nanoseconds < 0n ? "-" : "";
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${withFraction(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${withFraction(size, 6)}ms`;
  const seconds = size / 1_000_000_000n;
  const rest = `${withFraction((seconds % 60n) * 1_000_000_000n + (size % 1_000_000_000n), 9)}s`;
  const minutes = seconds / 60n;
  if (minutes === 0n) return sign + rest;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${rest}` : `${sign}${hours}h${minutes % 60n}m${rest}`;
}

function withFraction(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  const whole = digits.slice(0, -places);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** `Duration.Seconds()`: whole seconds plus the rest, in float64. */
export function durationSeconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000_000n) + Number(nanoseconds % 1_000_000_000n) / 1e9;
}

/** What Go on amd64 makes of a float64 that is no int64: the smallest int64. */
export function toInt64(value: number): bigint {
  const truncated = Math.trunc(value);
  if (!Number.isFinite(truncated) || truncated >= 2 ** 63 || truncated < -(2 ** 63)) return -MAX;
  return BigInt(truncated);
}

/** int64 arithmetic wraps around. */
export function wrapInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}
