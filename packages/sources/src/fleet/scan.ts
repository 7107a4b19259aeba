import { anything, type Check, callable, checkOptions, count, object } from "../check-options.ts";
import { abortable } from "../registry/deadline.ts";
import { memoryJournal, type ScanJournal, type ScanOutcome } from "./scan-journal.ts";

/** How far a scan is. */
export interface ScanProgress {
  /** Evaluated by this run. */
  readonly done: number;
  /** Done by an earlier run, passed over. */
  readonly resumed: number;
  /** Those of `done` that could not be evaluated. */
  readonly failed: number;
}

export interface ScanOptions<T, R> {
  /** What to judge: images, objects. Read as needed, never all at once. */
  readonly items: Iterable<T> | AsyncIterable<T>;
  /** What an item is remembered by. Two items of one key are one. */
  readonly key: (item: T) => string;
  readonly evaluate: (item: T, options: { readonly signal: AbortSignal }) => Promise<R>;
  /** Called once for each item that was evaluated; the scan waits for it, so a slow reader slows the scan down. */
  readonly onOutcome?: (outcome: ScanOutcome<R>) => Promise<void> | void;
  readonly onProgress?: (progress: ScanProgress) => void;
  /** What is done. Default: forgotten with the process. */
  readonly journal?: ScanJournal<R>;
  /** Items under way at a time. Default 32. */
  readonly concurrency?: number;
  readonly signal: AbortSignal;
}

/** What scans have in common. */
export const scanChecks: Readonly<
  Record<"items" | "key" | "onOutcome" | "onProgress" | "journal" | "signal", Check>
> = {
  // The characters of a text would be its items.
  items: [
    (value) =>
      typeof value === "object" &&
      value !== null &&
      (Symbol.iterator in value || Symbol.asyncIterator in value),
    "something to iterate over",
  ],
  ...{ key: callable, onOutcome: callable, onProgress: callable, journal: object, signal: anything },
};

const known: Readonly<Record<keyof ScanOptions<unknown, unknown>, Check>> = {
  ...{ ...scanChecks, evaluate: callable, concurrency: count },
};

/**
 * Judges every item once: in parallel, resumable by its journal, in memory bounded by `concurrency`. An item that
 * cannot be evaluated is an outcome with its error, and the scan goes on. Rejects with a `SourceError` `misuse` for an option that
 * does not exist or is none: a concurrency of 0 would judge nothing. Rejects with the reason of `signal`; then what
 * is in the journal is whole and the next run goes on from there.
 */
export async function scan<T, R>(options: ScanOptions<T, R>): Promise<ScanProgress> {
  checkOptions(options, known);
  const { signal, journal = memoryJournal<R>() } = options;
  const progress = { done: 0, resumed: 0, failed: 0 };
  const underWay = new Set<string>();
  const items = iterate(options.items);

  async function one(item: T, key: string): Promise<void> {
    const outcome = await outcomeOf(item, key, options);
    signal.throwIfAborted();
    await options.onOutcome?.(outcome);
    await journal.add(outcome);
    progress.done++;
    if ("error" in outcome) progress.failed++;
    options.onProgress?.({ ...progress });
  }

  async function worker(): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      // Where the items come from may hang.
      const { done, value } = await abortable(items.next(), signal);
      if (done) return;
      const key = options.key(value);
      if (journal.has(key)) {
        progress.resumed++;
      } else if (!underWay.has(key)) {
        underWay.add(key);
        await one(value, key).finally(() => underWay.delete(key));
      }
    }
  }

  const workers = Array.from({ length: options.concurrency ?? 32 }, worker);
  // All of them, so that nothing still writes to the journal when this returns.
  const ended = await Promise.allSettled(workers);
  for (const end of ended) if (end.status === "rejected") throw end.reason;
  return progress;
}

async function outcomeOf<T, R>(
  item: T,
  key: string,
  { evaluate, signal }: ScanOptions<T, R>,
): Promise<ScanOutcome<R>> {
  try {
    return { key, result: await evaluate(item, { signal }) };
  } catch (error) {
    signal.throwIfAborted();
    return { key, error: error instanceof Error ? error.message : String(error) };
  }
}

/** One iterator that several workers draw from, one item at a time. */
function iterate<T>(items: Iterable<T> | AsyncIterable<T>): { next(): Promise<IteratorResult<T>> } {
  if (Symbol.asyncIterator in items) {
    const iterator = items[Symbol.asyncIterator]();
    // A plain async iterator need not bear overlapping calls.
    let last: Promise<unknown> = Promise.resolve();
    return {
      next() {
        const next = last.then(() => iterator.next());
        last = next.catch(() => undefined);
        return next;
      },
    };
  }
  const iterator = items[Symbol.iterator]();
  return { next: async () => iterator.next() };
}
