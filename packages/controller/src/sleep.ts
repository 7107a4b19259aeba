/** Resolves after `ms`, or when `signal` aborts: at once if it has. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return createAlarm().sleep(ms, signal);
}

/** Wakes who sleeps by it; rung while nobody sleeps, it wakes the next one at once. */
export interface Alarm {
  ring(): void;
  /** Forgets what rang until now. */
  reset(): void;
  /** Resolves after `ms`, when it rings, or when `signal` aborts; no timer outlives that. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** An alarm that has not rung. */
export function createAlarm(): Alarm {
  let rung = false;
  let wake = (): void => {};
  return {
    ring: () => {
      rung = true;
      wake();
    },
    reset: () => {
      rung = false;
    },
    sleep: (ms, signal) => {
      if (rung || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener("abort", wake, { once: true });
      });
    },
  };
}
