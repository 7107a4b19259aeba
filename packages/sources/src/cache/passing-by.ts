/** How long a store is waited for, and who is told where that was in vain. */
export interface Patience {
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly onTrouble: ((error: Error) => void) | undefined;
}

/** How long a store that failed or was slow is left alone. */
const restMs = 5000;

/**
 * Runs work on a store that nobody depends on. Undefined where it failed or did not end in time, which is told, and for five
 * seconds after that, when the store is not even asked. Work that takes too long is left behind.
 */
export function passingBy({
  timeoutMs,
  now,
  onTrouble,
}: Patience): <T>(work: () => Promise<T>) => Promise<T | undefined> {
  let restUntil = Number.NEGATIVE_INFINITY;
  return async (work) => {
    if (now() < restUntil) return undefined;
    try {
      return await within(timeoutMs, work);
    } catch (error) {
      restUntil = now() + restMs;
      onTrouble?.(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  };
}

function within<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
