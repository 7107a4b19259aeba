import { ConditionError } from "../condition-error.ts";

// time.Time of Go, as far as policies need it: an instant with nanoseconds and the offset that it is written with.

export interface GoTime {
  /** Since 1970-01-01T00:00:00Z. */
  readonly seconds: bigint;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
  /** East of UTC, in seconds. */
  readonly offset: number;
}

/** Date and time of day in the time's own offset. */
export interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

const SECOND = 1_000_000_000n;
const DAY = 86_400n;
const MAX_DURATION = 2n ** 63n - 1n;
/** Seconds from 0001-01-01 to 1970-01-01: Go truncates times from year 1 on. */
const SINCE_YEAR_ONE = 62_135_596_800n;

const rfc3339 =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/;

/**
 * `time.Parse(time.RFC3339, text)`: upper-case `T` and `Z`, an hour of one digit is fine, leap seconds and 24:00 are
 * not. `undefined` where Go errs.
 */
export function parseTime(text: string): GoTime | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const zoneHour = Number(match[9] ?? 0);
  const zoneMinute = Number(match[10] ?? 0);
  const civil = { year, month, day, hour, minute, second };
  if (!isCivil(civil) || zoneHour > 24 || zoneMinute > 60) return undefined;
  const offset = (match[8] === "-" ? -1 : 1) * (zoneHour * 60 + zoneMinute) * 60;
  return timeOf(civil, nanosecondsOf(match[7] ?? ""), offset);
}

/** Whether there is such a day, and such a time on it. */
export function isCivil({ year, month, day, hour, minute, second }: Omit<CivilTime, "weekday">): boolean {
  if (hour > 23 || minute > 59 || second > 59) return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

/** The nanoseconds of a fraction's digits; what lies below is dropped. */
export function nanosecondsOf(digits: string): number {
  return Number(digits.slice(0, 9).padEnd(9, "0"));
}

/** The instant of a date and time of day at an offset. */
export function timeOf(civil: Omit<CivilTime, "weekday">, nanoseconds: number, offset: number): GoTime {
  const days = daysFromCivil(civil.year, civil.month, civil.day);
  const inDay = civil.hour * 3_600 + civil.minute * 60 + civil.second - offset;
  return { seconds: BigInt(days) * DAY + BigInt(inDay), nanoseconds, offset: offset === 0 ? 0 : offset };
}

/** The time of a text that must be RFC 3339. Throws `badTime`. */
export function requireTime(text: string): GoTime {
  const time = parseTime(text);
  if (time === undefined) {
    throw new ConditionError(
      `\`${text.slice(0, 80)}\` is no RFC 3339 time such as \`2024-06-01T10:00:00Z\``,
      {
        code: "badTime",
      },
    );
  }
  return time;
}

export function timeFromDate(date: Date): GoTime {
  const milliseconds = BigInt(date.getTime());
  const seconds = floorDivide(milliseconds, 1_000n);
  return { seconds, nanoseconds: Number(milliseconds - seconds * 1_000n) * 1_000_000, offset: 0 };
}

export function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar. */
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function civilOf(time: GoTime): CivilTime {
  const local = time.seconds + BigInt(time.offset);
  const days = floorDivide(local, DAY);
  const inDay = Number(local - days * DAY);
  const shifted = Number(days) + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1,
    hour: Math.floor(inDay / 3_600),
    minute: Math.floor((inDay % 3_600) / 60),
    second: inDay % 60,
    weekday: (((Number(days) + 4) % 7) + 7) % 7,
  };
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}

/** `Format(time.RFC3339)`: whole seconds, the time's own offset. */
export function formatTime(time: GoTime): string {
  return textOf(time, "");
}

/** `Format(time.RFC3339Nano)`: with the fraction, if there is one. */
export function formatTimeExact(time: GoTime): string {
  const fraction = String(time.nanoseconds).padStart(9, "0").replace(/0+$/, "");
  return textOf(time, fraction === "" ? "" : `.${fraction}`);
}

function textOf(time: GoTime, fraction: string): string {
  const { year, month, day, hour, minute, second } = civilOf(time);
  const years = `${year < 0 ? "-" : ""}${String(Math.abs(year)).padStart(4, "0")}`;
  return `${years}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${zone(time.offset)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function zone(offset: number): string {
  if (offset === 0) return "Z";
  const minutes = Math.trunc(Math.abs(offset) / 60);
  // Less than a minute has no sign.
  return `${offset <= -60 ? "-" : "+"}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

export function addDuration(time: GoTime, duration: bigint): GoTime {
  return fromNanoseconds(nanosecondsSinceEpoch(time) + duration, time.offset);
}

function nanosecondsSinceEpoch({ seconds, nanoseconds }: GoTime): bigint {
  return seconds * SECOND + BigInt(nanoseconds);
}

function fromNanoseconds(total: bigint, offset: number): GoTime {
  const seconds = floorDivide(total, SECOND);
  return { seconds, nanoseconds: Number(total - seconds * SECOND), offset };
}

/** `left.Sub(right)`: stops at the ends of int64. */
export function timeDifference(left: GoTime, right: GoTime): bigint {
  const difference = nanosecondsSinceEpoch(left) - nanosecondsSinceEpoch(right);
  if (difference > MAX_DURATION) return MAX_DURATION;
  return difference < -MAX_DURATION - 1n ? -MAX_DURATION - 1n : difference;
}

/** -1, 0 or 1, to the nanosecond. */
export function compareTimes(left: GoTime, right: GoTime): number {
  const difference = nanosecondsSinceEpoch(left) - nanosecondsSinceEpoch(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `Truncate(duration)`: down to a multiple since the year 1; a duration of 0 or less changes nothing. */
export function truncateTime(time: GoTime, duration: bigint): GoTime {
  if (duration <= 0n) return time;
  const total = nanosecondsSinceEpoch(time) + SINCE_YEAR_ONE * SECOND;
  const rest = ((total % duration) + duration) % duration;
  return fromNanoseconds(total - rest - SINCE_YEAR_ONE * SECOND, time.offset);
}

/** The same instant, written in UTC. */
export function atUtc(time: GoTime): GoTime {
  return { ...time, offset: 0 };
}
