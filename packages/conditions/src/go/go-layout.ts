import { ConditionError } from "../condition-error.ts";
import { exceeded } from "../limits.ts";
import { daysIn, type GoTime, nanosecondsOf, timeOf } from "./go-time.ts";

// `time.Parse` with a layout of Go's, e.g. `2006-01-02 15:04:05 MST`. The time zone of the machine is UTC.

const MAX_TEXT = 200;

interface Fields {
  year: number;
  month: number | undefined;
  day: number | undefined;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanoseconds: number;
  /** Which of the two were there; a layout may have both. */
  morning?: true;
  afternoon?: true;
  /** A `Z` or the name `UTC`, which counts before any offset. */
  utc?: true;
  /** A numeric offset, which counts before a zone's name. */
  offset?: number | undefined;
  /** The zone is `GMT+3`: Go reads the time as UTC's, and writes it at that offset. */
  shown?: number | undefined;
}

/** Reads one element at the start of the text; returns what is left, `undefined` when it does not fit. */
type Reader = (text: string, fields: Fields, restOfLayout: string) => string | undefined;

const months = "January February March April May June July August September October November December".split(
  " ",
);
const weekdays = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const short = (name: string): string => name.slice(0, 3);

/** Matches at the start; `store` may refuse the captured text by returning false. */
function element(pattern: RegExp, store: (match: RegExpExecArray, fields: Fields) => boolean): Reader {
  return (text, fields) => {
    const match = pattern.exec(text);
    return match !== null && store(match, fields) ? text.slice(match[0].length) : undefined;
  };
}

function number(digits: string, from: number, to: number, field: "month" | "hour" | "minute"): Reader {
  return element(new RegExp(`^[0-9]${digits}`), (match, fields) => {
    fields[field] = Number(match[0]);
    return Number(match[0]) >= from && Number(match[0]) <= to;
  });
}

function named(names: readonly string[], store?: (index: number, fields: Fields) => void): Reader {
  return (text, fields) => {
    // Cut first: outside ASCII, lower case may be longer.
    const index = names.findIndex((name) => text.slice(0, name.length).toLowerCase() === name.toLowerCase());
    if (index < 0) return undefined;
    store?.(index, fields);
    return text.slice(names[index]?.length);
  };
}

function day(pattern: RegExp): Reader {
  return element(pattern, (match, fields) => {
    fields.day = Number(match[0]);
    return true;
  });
}

function yearDay(pattern: RegExp): Reader {
  return element(pattern, (match, fields) => {
    fields.yearDay = Number(match[0]);
    return true;
  });
}

/** Seconds, and a fraction that the layout does not mention. */
function second(digits: string): Reader {
  const seconds = element(new RegExp(`^[0-9]${digits}`), (match, fields) => {
    fields.second = Number(match[0]);
    return fields.second < 60;
  });
  return (text, fields, rest) => {
    const left = seconds(text, fields, rest);
    if (
      left === undefined ||
      !/^[.,][0-9]/.test(left) ||
      /^(?:[.,](?:0+|9+))(?![0-9])/.test(nextElement(rest))
    )
      return left;
    return fraction(left, fields);
  };
}

/** The layout from its next element on. */
function nextElement(layout: string): string {
  const next = splitLayout(layout);
  return next === undefined ? "" : layout.slice(next.at);
}

function fraction(text: string, fields: Fields): string | undefined {
  const match = /^[.,]([0-9]+)/.exec(text);
  if (match === null) return undefined;
  fields.nanoseconds = nanosecondsOf(match[1] ?? "");
  return text.slice(match[0].length);
}

function half(am: string, pm: string): Reader {
  return element(new RegExp(`^(?:${am}|${pm})`), (match, fields) => {
    if (match[0] === am) fields.morning = true;
    else fields.afternoon = true;
    return true;
  });
}

function numericZone(pattern: string, zulu: boolean): Reader {
  const expression = new RegExp(`^([+-])${pattern}`);
  return (text, fields) => {
    if (zulu && text.startsWith("Z")) {
      fields.utc = true;
      return text.slice(1);
    }
    const match = expression.exec(text);
    if (match === null) return undefined;
    const [hours, minutes, seconds] = [Number(match[2]), Number(match[3] ?? 0), Number(match[4] ?? 0)];
    if (hours > 24 || minutes > 60 || seconds > 60) return undefined;
    const offset = (match[1] === "-" ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds);
    // -1 is what Go writes where no offset was read.
    fields.offset = offset === -1 ? undefined : offset;
    return text.slice(match[0].length);
  };
}

/** Names of zones say nothing here, but for `UTC` and `GMT+3`. */
function namedZone(text: string, fields: Fields): string | undefined {
  if (text.length < 3) return undefined;
  const match =
    /^(?:UTC|ChST|MeST|GMT(?:[+-][0-9]+)?|[+-][0-9]+)/.exec(text) ??
    /^(?:[A-Z]{4}T|[A-Z]{3}T|WITA|[A-Z]{3})(?![A-Z])/.exec(text);
  if (match === null) return undefined;
  if (match[0] === "UTC") fields.utc = true;
  const hours = /^(?:GMT)?([+-][0-9]+)$/.exec(match[0]);
  if (hours !== null && Math.abs(Number(hours[1])) > 23) {
    return match[0].startsWith("GMT") ? text.slice(3) : undefined;
  }
  fields.shown = hours !== null && match[0].startsWith("GMT") ? Number(hours[1]) * 3_600 : undefined;
  return text.slice(match[0].length);
}

const dd = "([0-9]{2})";
const elements: readonly (readonly [layout: string, reader: Reader])[] = [
  ["January", named(months, (index, fields) => (fields.month = index + 1))],
  ["Jan", named(months.map(short), (index, fields) => (fields.month = index + 1))],
  ["Monday", named(weekdays)],
  ["Mon", named(weekdays.map(short))],
  ["MST", namedZone],
  ["002", yearDay(/^[0-9]{3}/)],
  ["01", number("[0-9]", 1, 12, "month")],
  ["02", day(/^[0-9]{2}/)],
  ["03", number("[0-9]", 0, 12, "hour")],
  ["04", number("[0-9]", 0, 59, "minute")],
  ["05", second("[0-9]")],
  [
    "06",
    // Go reads these two characters as an integer, which may have a sign.
    element(/^(?:[0-9]{2}|[+-][0-9])/, (match, fields) => {
      fields.year = Number(match[0]) + (Number(match[0]) >= 69 ? 1_900 : 2_000);
      return true;
    }),
  ],
  ["15", number("[0-9]?", 0, 23, "hour")],
  ["1", number("[0-9]?", 1, 12, "month")],
  [
    "2006",
    element(/^[0-9]{4}/, (match, fields) => {
      fields.year = Number(match[0]);
      return true;
    }),
  ],
  ["__2", yearDay(/^ {0,2}[0-9]{1,3}/)],
  ["_2", day(/^ ?[0-9]{1,2}/)],
  ["2", day(/^[0-9]{1,2}/)],
  ["3", number("[0-9]?", 0, 12, "hour")],
  ["4", number("[0-9]?", 0, 59, "minute")],
  ["5", second("[0-9]?")],
  ["PM", half("AM", "PM")],
  ["pm", half("am", "pm")],
  ["-070000", numericZone(dd + dd + dd, false)],
  ["-07:00:00", numericZone(`${dd}:${dd}:${dd}`, false)],
  ["-0700", numericZone(dd + dd, false)],
  ["-07:00", numericZone(`${dd}:${dd}`, false)],
  ["-07", numericZone(dd, false)],
  ["Z070000", numericZone(dd + dd + dd, true)],
  ["Z07:00:00", numericZone(`${dd}:${dd}:${dd}`, true)],
  ["Z0700", numericZone(dd + dd, true)],
  ["Z07:00", numericZone(`${dd}:${dd}`, true)],
  ["Z07", numericZone(dd, true)],
];

/** The time that a text means under a layout. Throws `badTime`. */
export function parseLayout(layout: string, text: string): GoTime {
  const fields: Fields = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanoseconds: 0,
  };
  if (layout.length > MAX_TEXT || text.length > MAX_TEXT) {
    throw exceeded(`a time or its layout is longer than ${MAX_TEXT} characters`);
  }
  const time = readAll(layout, text, fields) ? timeOfFields(fields) : undefined;
  if (time === undefined) {
    const shown = `\`${text.slice(0, 80)}\` is no time of the layout \`${layout.slice(0, 80)}\``;
    throw new ConditionError(shown, { code: "badTime" });
  }
  return time;
}

function readAll(layout: string, text: string, fields: Fields): boolean {
  let layoutLeft = layout;
  let left: string | undefined = text;
  for (;;) {
    const next = splitLayout(layoutLeft);
    left = skip(left, next === undefined ? layoutLeft : layoutLeft.slice(0, next.at));
    if (left === undefined) return false;
    if (next === undefined) return left === "";
    layoutLeft = layoutLeft.slice(next.at + next.length);
    left = next.read(left, fields, layoutLeft);
    if (left === undefined) return false;
  }
}

/** The first element of a layout. */
function splitLayout(layout: string): { at: number; length: number; read: Reader } | undefined {
  for (let at = 0; at < layout.length; at++) {
    const rest = layout.slice(at);
    // `_2006` is an underscore and a year.
    if (rest.startsWith("_2006")) continue;
    const found = elements.find(
      ([name]) => rest.startsWith(name) && !(isShortName(name) && /^[a-z]/.test(rest.slice(3))),
    );
    if (found !== undefined) return { at, length: found[0].length, read: found[1] };
    const zeros = /^[.,](0+|9+)(?![0-9])/.exec(rest);
    if (zeros !== null) return { at, length: zeros[0].length, read: layoutFraction(zeros[0]) };
  }
  return undefined;
}

function isShortName(name: string): boolean {
  return name === "Jan" || name === "Mon";
}

/** `.000` wants exactly so many digits; `.999` takes any number, also none. */
function layoutFraction(code: string): Reader {
  if (code.includes("9")) return (text, fields) => (/^[.,][0-9]/.test(text) ? fraction(text, fields) : text);
  return (text, fields) => {
    const digits = text.slice(0, code.length);
    return /^[.,][0-9]+$/.test(digits) && digits.length === code.length && fraction(digits, fields) === ""
      ? text.slice(code.length)
      : undefined;
  };
}

/** Literal text of the layout; a run of spaces fits any run of spaces, also none at the end. */
function skip(text: string | undefined, prefix: string): string | undefined {
  let left = text;
  let at = 0;
  while (at < prefix.length && left !== undefined) {
    if (prefix.charAt(at) === " ") {
      if (left !== "" && !left.startsWith(" ")) return undefined;
      while (prefix.charAt(at) === " ") at++;
      left = left.replace(/^ +/, "");
    } else {
      left = left.startsWith(prefix.charAt(at)) ? left.slice(1) : undefined;
      at++;
    }
  }
  return left;
}

function timeOfFields(fields: Fields): GoTime | undefined {
  const { year, minute, second: seconds, nanoseconds } = fields;
  const date = dateOf(fields);
  if (date === undefined || date.day < 1 || date.day > daysIn(year, date.month)) return undefined;
  let { hour } = fields;
  if (fields.afternoon && hour < 12) hour += 12;
  else if (fields.morning && hour === 12) hour = 0;
  const civil = { year, month: date.month, day: date.day, hour, minute, second: seconds };
  const offset = fields.utc ? 0 : fields.offset;
  const time = timeOf(civil, nanoseconds, offset ?? 0);
  return offset !== undefined || fields.shown === undefined ? time : { ...time, offset: fields.shown };
}

function dateOf({
  year,
  month,
  day: given,
  yearDay: wanted,
}: Fields): { month: number; day: number } | undefined {
  if (wanted === undefined) return { month: month ?? 1, day: given ?? 1 };
  let day = wanted;
  for (let at = 1; at <= 12; at++) {
    const length = daysIn(year, at);
    if (day <= length && day > 0) {
      const agrees = (month ?? at) === at && (given ?? day) === day;
      return agrees ? { month: at, day } : undefined;
    }
    day -= length;
  }
  return undefined;
}
