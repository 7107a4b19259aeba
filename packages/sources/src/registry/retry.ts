import { SourceError } from "../source-error.ts";
import type { Clock } from "./deadline.ts";

/** How failures that may pass are tried again. */
export interface RetryOptions {
  /** Attempts in all. Default 3. */
  readonly attempts?: number;
  /** First wait; it doubles, with full jitter. Default 200 ms. */
  readonly baseMs?: number;
  /** Longest wait, also where a registry asks for more by `Retry-After`: then the failure is answered at once. Default 10 s. */
  readonly maxMs?: number;
}

interface Patience {
  readonly options: RetryOptions;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, as it stands: whoever joins may have more time. */
  readonly deadline: () => number | undefined;
}

/**
 * Tries again while a `SourceError` says that it may help (`rateLimited`, `unavailable`), never past the deadline: a
 * failure that names its cause is worth more than a timeout.
 */
export async function withRetry<T>(patience: Patience, attempt: (number: number) => Promise<T>): Promise<T> {
  const attempts = patience.options.attempts ?? 3;
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      if (number >= attempts || !mayPass(error)) throw error;
      const wait = waitFor(error, number, patience);
      if (wait === undefined) throw error;
      await patience.clock.sleep(wait, patience.signal);
    }
  }
}

function mayPass(error: unknown): error is SourceError {
  if (!(error instanceof SourceError)) return false;
  if (error.code === "rateLimited") return true;
  // An answer that makes no sense (a login page, a refused redirect) will make none in a moment either.
  return (
    error.code === "unavailable" &&
    (error.status === undefined || error.status >= 500 || error.status === 408)
  );
}

function waitFor(error: SourceError, number: number, patience: Patience): number | undefined {
  const { options, clock } = patience;
  const deadline = patience.deadline();
  const longest = options.maxMs ?? 10_000;
  const asked = error.retryAfterMs;
  const backoff = Math.min(longest, (options.baseMs ?? 200) * 2 ** (number - 1)) * clock.random();
  // Jitter on top of what was asked, so that many clients do not come back at one moment.
  const wait = asked === undefined ? backoff : asked + backoff;
  if (asked !== undefined && asked > longest) return undefined;
  return deadline !== undefined && clock.now() + wait >= deadline ? undefined : wait;
}

/** `Retry-After` as milliseconds from now; seconds or an HTTP date. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
