import { ConditionError } from "../condition-error.ts";
import { formatDuration, requireDuration } from "../go/duration.ts";
import { parseLayout } from "../go/go-layout.ts";
import { parseInt64 } from "../go/go-number.ts";
import {
  addDuration,
  atUtc,
  civilOf,
  compareTimes,
  formatTime,
  type GoTime,
  requireTime,
  timeDifference,
  timeFromDate,
  truncateTime,
} from "../go/go-time.ts";
import type { Evaluation, Item } from "./evaluation.ts";
import type { FunctionEntry } from "./function-table.ts";

// Kyverno's time functions (pkg/engine/jmespath/time.go). The clock is the scope's.

/** Seconds from where Go begins to count, in March of the year -292277022400, to 1970. */
const SINCE_FIRST_YEAR = 9_223_372_028_741_760_000n;

function texts(
  count: number,
  call: (args: readonly string[], evaluation: Evaluation) => Item,
): FunctionEntry {
  return {
    takes: Array.from({ length: count }, () => ["string"] as const),
    call: (args, evaluation) => call(args as readonly string[], evaluation),
  };
}

/** `time_since(layout, from, to)`: an empty layout is RFC 3339, an empty `to` is now. */
function timeSince([layout = "", from = "", to = ""]: readonly string[], { scope }: Evaluation): Item {
  const read = (text: string): GoTime => (layout === "" ? requireTime(text) : parseLayout(layout, text));
  const start = read(from);
  return formatDuration(timeDifference(to === "" ? timeFromDate(scope.now) : read(to), start));
}

/** A layout that is an integer means seconds since 1970. */
function timeParse([layout = "", text = ""]: readonly string[]): Item {
  if (parseInt64(layout) === undefined) return formatTime(parseLayout(layout, text));
  const seconds = parseInt64(text);
  if (seconds === undefined) {
    throw new ConditionError(`\`${text.slice(0, 80)}\` is no number of seconds`, { code: "badText" });
  }
  return formatTime({ seconds: wrapSeconds(seconds), nanoseconds: 0, offset: 0 });
}

/** Go counts seconds in 64 bits, which go round. */
function wrapSeconds(seconds: bigint): bigint {
  return BigInt.asUintN(64, seconds + SINCE_FIRST_YEAR) - SINCE_FIRST_YEAR;
}

function timeToCron([text = ""]: readonly string[]): Item {
  const { minute, hour, day, month, weekday } = civilOf(requireTime(text));
  return `${minute} ${hour} ${day} ${month} ${weekday}`;
}

function timeBetween([text = "", start = "", end = ""]: readonly string[]): Item {
  const time = requireTime(text);
  const from = requireTime(start);
  const to = requireTime(end);
  return compareTimes(time, from) > 0 && compareTimes(time, to) < 0;
}

const now = (_args: readonly Item[], { scope }: Evaluation): Item => formatTime(timeFromDate(scope.now));

/** Name → function. */
export const timeFunctions: ReadonlyMap<string, FunctionEntry> = new Map<string, FunctionEntry>([
  ["time_now", { call: now }],
  ["time_now_utc", { call: now }],
  ["time_since", texts(3, timeSince)],
  ["time_parse", texts(2, timeParse)],
  ["time_to_cron", texts(1, timeToCron)],
  ["time_between", texts(3, timeBetween)],
  [
    "time_add",
    texts(2, ([time = "", by = ""]) => formatTime(addDuration(requireTime(time), requireDuration(by)))),
  ],
  [
    "time_truncate",
    texts(2, ([time = "", to = ""]) => formatTime(truncateTime(requireTime(time), requireDuration(to)))),
  ],
  ["time_utc", texts(1, ([time = ""]) => formatTime(atUtc(requireTime(time))))],
  [
    "time_diff",
    texts(2, ([from = "", to = ""]) => {
      const start = requireTime(from);
      return formatDuration(timeDifference(requireTime(to), start));
    }),
  ],
  [
    "time_before",
    texts(2, ([time = "", other = ""]) => compareTimes(requireTime(time), requireTime(other)) < 0),
  ],
  [
    "time_after",
    texts(2, ([time = "", other = ""]) => compareTimes(requireTime(time), requireTime(other)) > 0),
  ],
]);
