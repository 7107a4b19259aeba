import { setImmediate } from "node:timers/promises";

/** How many requests were made, and how many times something had to be waited for. */
export interface FetchWaves {
  readonly fetch: typeof fetch;
  /** `METHOD path` of every request, in order. */
  readonly requests: () => readonly string[];
  /** Requests that are under way together count as one round trip. */
  readonly roundTrips: () => number;
}

/** Turns of the event loop without a new request after which nothing more is to be expected before an answer. */
const QUIET_TURNS = 60;

/**
 * Holds requests back until no further one is made, then lets all of them go: the number of times that happens is the
 * number of round trips, whatever the machine's speed.
 */
export function fetchWaves(reach: typeof fetch): FetchWaves {
  const requests: string[] = [];
  let waves = 0;
  let held: (() => void)[] = [];
  let arrivals = 0;
  let draining = false;

  const drain = async (): Promise<void> => {
    draining = true;
    while (held.length > 0) {
      for (let quiet = 0, seen = arrivals; quiet < QUIET_TURNS; quiet++) {
        await setImmediate();
        if (seen !== arrivals) {
          seen = arrivals;
          quiet = 0;
        }
      }
      waves++;
      const released = held;
      held = [];
      for (const release of released) release();
    }
    draining = false;
  };

  return {
    requests: () => requests,
    roundTrips: () => waves,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      arrivals++;
      const turn = new Promise<void>((resolve) => held.push(resolve));
      if (!draining) void drain();
      await turn;
      return await reach(request);
    },
  };
}
