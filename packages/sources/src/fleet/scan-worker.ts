import { anything, type Check, callable, checkOptions, count } from "../check-options.ts";
import { isFields, own } from "../oci/manifest.ts";
import { abortable, systemClock } from "../registry/deadline.ts";
import { SourceError } from "../source-error.ts";
import {
  bullmq,
  defaultName,
  type Job,
  keyOf,
  type QueueOptions,
  queueChecks,
  quiet,
  type Worker,
} from "./bullmq.ts";
import { openRedis, redisOrigin } from "./redis-link.ts";

/** Seconds that an idle worker waits for work in one command: one that is closed waits as long. */
const idleSeconds = 1;
const pollMs = 20;
/** How often a worker shows that it lives, and after how long without that another one takes its items. */
const lockMs = 10_000;

export interface ScanWorkerOptions<T, R> extends QueueOptions {
  /** Its result goes through JSON. */
  readonly evaluate: (item: T, options: { readonly signal: AbortSignal }) => Promise<R>;
  /** Items under way at a time. Default 16. */
  readonly concurrency?: number;
  /** Told of trouble with Redis, the same once until it is over; the worker goes on by itself when Redis is back. */
  readonly onError?: (error: Error) => void;
  /** Ends the wait for Redis at the start; later, `close` ends the worker. */
  readonly signal?: AbortSignal;
}

const known: Readonly<Record<keyof ScanWorkerOptions<unknown, unknown>, Check>> = {
  ...{ ...queueChecks, evaluate: callable, concurrency: count, onError: callable, signal: anything },
};

/** A worker that runs. */
export interface ScanWorker {
  /**
   * Ends it: what is under way is finished first, while Redis is there to be told. Where it is not, that is given up, and
   * another worker judges it.
   */
  close(): Promise<void>;
}

/**
 * Judges items from a queue until it is closed. It keeps nothing: an item counts as done when its outcome is in the
 * queue, so a worker may be killed at any time. Throws `SourceError` when Redis is not there at the start.
 */
export async function scanWorker<T, R>(options: ScanWorkerOptions<T, R>): Promise<ScanWorker> {
  checkOptions(options, known);
  const origin = redisOrigin(options.redis);
  const { Worker } = await bullmq();
  const { signal = new AbortController().signal, onError = () => undefined } = options;
  const link = await openRedis(options.redis, { origin, signal, onError });
  const ending = new AbortController();
  const worker = new Worker(options.name ?? defaultName, (job) => outcomeOf(job, options, ending.signal), {
    ...quiet,
    connection: link.client,
    concurrency: options.concurrency ?? 16,
    lockDuration: lockMs,
    stalledInterval: lockMs / 2,
    drainDelay: idleSeconds,
    // A worker that dies takes nothing with it, however often that happens.
    maxStalledCount: 1000,
  });
  worker.on("error", link.tell);
  const end = async (): Promise<void> => {
    await worker.pause(true);
    await Promise.race([finished(worker, ending.signal), link.lost(ending.signal)]);
    ending.abort();
    // Forced: it would wait for a Redis that is away, and there is nothing under way where it is not.
    await worker.close(true);
    link.end();
  };
  try {
    await abortable(worker.waitUntilReady(), signal);
  } catch (error) {
    await end();
    throw error;
  }
  let ended: Promise<void> | undefined;
  return {
    close: () => {
      ended ??= end();
      return ended;
    },
  };
}

/** Resolves when what a paused worker had under way is done and told, or `signal` is aborted. */
async function finished(worker: Worker, signal: AbortSignal): Promise<void> {
  while (worker.isRunning() && !signal.aborted)
    await systemClock.sleep(pollMs, signal).catch(() => undefined);
}

async function outcomeOf<T, R>(
  { data }: Job,
  { evaluate }: ScanWorkerOptions<T, R>,
  signal: AbortSignal,
): Promise<unknown> {
  const key = keyOf(data);
  if (key === undefined || !isFields(data)) {
    throw new SourceError("malformed", "what the queue gave out is no item of a scan", { origin: "queue" });
  }
  try {
    const result = await evaluate(own(data, "item") as T, { signal }); // as `queuedScan` was given it, through JSON
    // JSON has no `undefined`, and an outcome has a result.
    return { key, result: result ?? null };
  } catch (error) {
    return { key, error: error instanceof Error ? error.message : String(error) };
  }
}
