import { SourceError } from "../source-error.ts";

/** The outer world as far as waiting goes, so that tests need not wait. */
export interface Clock {
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
}

export const systemClock: Clock = {
  now: Date.now,
  random: Math.random,
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, milliseconds);
      signal.addEventListener("abort", onAbort, { once: true });
    }),
};

/**
 * Runs `work` under `signal` and a time limit of its own. When `signal` is aborted it rejects with its reason, when
 * the limit passes with a `timeout`. Leaves no listener and no timer behind, so long-lived signals do not grow.
 */
export async function withTimeout<T>(
  limit: { readonly signal: AbortSignal; readonly milliseconds: number; readonly origin: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, milliseconds, origin } = limit;
  signal.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => {
    controller.abort(
      new SourceError("timeout", `\`${origin}\` did not answer within ${milliseconds} ms`, { origin }),
    );
  }, milliseconds);
  try {
    return await work(controller.signal);
  } catch (error) {
    // fetch wraps or replaces the reason now and then: what aborted us is the truth.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** `promise`, or `signal`'s reason as soon as it is aborted, which may have been before. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
