import { abortable } from "./deadline.ts";

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
  /** The latest deadline of those who wait; undefined: somebody has none. */
  readonly due: { at: number | undefined };
  /** Its work is done, and it is kept for the evaluation that began it. */
  landed: boolean;
}

/** One for all: making it takes a stack trace. */
const over = new DOMException("the lookup is over", "AbortError");

/** Who asks, and for how long. */
export interface Asker {
  readonly signal: AbortSignal;
  /** Aborted when the evaluation that asks has ended. Absent: only work that is still running is shared. */
  readonly evaluation?: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline?: number | undefined;
}

/** What work that may be shared goes by. */
export interface SharedWork {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** The latest deadline of those who wait, as it stands: somebody with more time may have joined. */
  readonly deadline: () => number | undefined;
}

/** Joins equal work that is in flight. `joined`: it is somebody else's. */
export type SingleFlight<T> = (
  key: string,
  asker: Asker,
  work: (shared: SharedWork) => Promise<T>,
) => Promise<{ readonly value: T; readonly joined: boolean }>;

/**
 * One piece of work per key at a time. Each caller waits under its own signal; the work itself is aborted when nobody
 * waits for it any more. What it came to is remembered only where it `lasts`, and no longer than the evaluation that
 * began it: whoever joined does not prolong it.
 */
export function singleFlight<T>(lasts: (value: T) => boolean = () => false): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, { evaluation, deadline }: Asker, work: Parameters<SingleFlight<T>>[2]) {
    const controller = new AbortController();
    const due = { at: deadline };
    const remove = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    const land = (value: T): T => {
      if (evaluation === undefined || evaluation.aborted || !lasts(value)) return value;
      flight.landed = true;
      evaluation.addEventListener("abort", remove, { once: true });
      return value;
    };
    const promise = work({ signal: controller.signal, deadline: () => due.at })
      .then(land)
      .finally(() => {
        if (!flight.landed) remove();
        // Whatever the work left running (siblings of a failed request) ends with it.
        controller.abort(over);
      });
    const flight: Flight<T> = { promise, controller, waiting: 0, due, landed: false };
    promise.catch(() => undefined);
    flights.set(key, flight);
    return flight;
  }

  return async (key, asker, work) => {
    const { signal } = asker;
    signal.throwIfAborted();
    const known = flights.get(key);
    const running = known?.landed && asker.evaluation === undefined ? undefined : known;
    const flight = running ?? start(key, asker, work);
    flight.due.at = later(flight.due.at, asker.deadline);
    flight.waiting++;
    try {
      return { value: await abortable(flight.promise, signal), joined: running !== undefined };
    } finally {
      if (--flight.waiting === 0 && !flight.controller.signal.aborted) {
        if (flights.get(key) === flight) flights.delete(key);
        flight.controller.abort(signal.reason);
      }
    }
  };
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.max(one, other);
}
