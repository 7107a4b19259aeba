interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** One for all: making it takes a stack trace. */
const over = new DOMException("the lookup is over", "AbortError");

/** Joins equal work that is under way. `joined`: somebody else's work was waited for. */
export type SingleFlight<T> = (
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<{ readonly value: T; readonly joined: boolean }>;

/**
 * One piece of work per key at a time. Each caller waits under its own signal; the work itself is aborted when nobody
 * waits for it any more. Nothing is remembered once it is done.
 */
export function singleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const promise = work(controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
      // Whatever the work left running (siblings of a failed request) ends with it.
      controller.abort(over);
    });
    const flight: Flight<T> = { promise, controller, waiting: 0 };
    promise.catch(() => undefined);
    flights.set(key, flight);
    return flight;
  }

  return async (key, signal, work) => {
    signal.throwIfAborted();
    const running = flights.get(key);
    const flight = running ?? start(key, work);
    flight.waiting++;
    try {
      return { value: await abortable(flight.promise, signal), joined: running !== undefined };
    } finally {
      if (--flight.waiting === 0) {
        if (flights.get(key) === flight) flights.delete(key);
        if (!flight.controller.signal.aborted) flight.controller.abort(signal.reason);
      }
    }
  };
}

/** `promise`, or `signal`'s reason as soon as it is aborted. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
