import { createHash } from "node:crypto";
import { optionalPeer } from "../credentials/optional-peer.ts";
import { systemClock } from "../registry/deadline.ts";
import { SourceError, shownAddress } from "../source-error.ts";
import type { ScanOptions, ScanProgress } from "./scan.ts";
import {
  type FileJournalOptions,
  memoryJournal,
  type ScanJournal,
  type ScanOutcome,
} from "./scan-journal.ts";

/** Where the queue is. */
export interface QueueOptions {
  /** Address of a Redis or Valkey, e.g. `redis://127.0.0.1:6379`. It needs `maxmemory-policy noeviction`. */
  readonly redis: string;
  /** Name of the queue: one for each scan that runs. Default `assay-scan`. */
  readonly name?: string;
}

// What we use of bullmq, which is optional: its types cannot be imported.
interface Job {
  readonly data: unknown;
  readonly returnvalue: unknown;
  readonly failedReason?: string;
  remove(): Promise<void>;
}
interface Queue {
  addBulk(jobs: readonly { name: string; data: unknown; opts: object }[]): Promise<unknown>;
  getJobs(
    states: readonly string[],
    start: number,
    end: number,
    ascending: boolean,
  ): Promise<readonly (Job | undefined)[]>;
  getJobCounts(...states: readonly string[]): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}
interface Worker {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}
interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (name: string, work: (job: Job) => Promise<unknown>, options: object) => Worker;
}

/** How often a worker shows that it lives, and after how long without that another one takes its items. */
const lockMs = 10_000;
/** Items in the queue that nobody has yet: the rest of the list waits where it comes from. */
const backlog = 2000;
const batch = 500;
const pollMs = 50;

export interface QueuedScanOptions<T, R>
  extends Pick<ScanOptions<T, R>, "items" | "key" | "onOutcome" | "onProgress" | "journal" | "signal">,
    QueueOptions,
    /** Asked of the outcomes that workers had ready when this scan began, too: an earlier run did not collect them. */
    FileJournalOptions<R> {}

/**
 * Gives the items of a scan to the workers of a queue (`scanWorker`, on any number of machines) and collects their
 * outcomes. An item that a killed worker held is given to another; one that was done twice counts once. If this process
 * is killed, the next run with the same journal and queue goes on: nothing is lost, nothing is judged that was collected.
 */
export async function queuedScan<T, R>(options: QueuedScanOptions<T, R>): Promise<ScanProgress> {
  const { signal, journal = memoryJournal<R>() } = options;
  const { Queue } = await bullmq();
  const queue = new Queue(options.name ?? "assay-scan", { connection: connectionTo(options.redis) });
  const progress = { done: 0, resumed: 0, failed: 0 };
  const waiting = new Set<string>();
  const feed = feeder(options, { queue, journal, waiting, progress });
  try {
    if (options.reuse !== undefined) await removeOutdated(queue, options.reuse, signal);
    let fed = false;
    while (!fed || waiting.size > 0) {
      signal.throwIfAborted();
      if (!fed) fed = await feed();
      const collected = await collect(queue, { ...options, journal, waiting, progress });
      if (collected === 0) await systemClock.sleep(pollMs, signal);
    }
    return progress;
  } finally {
    await queue.close();
  }
}

/** Takes off the queue what was judged before this scan and holds no longer: its item is added, and judged, anew. */
async function removeOutdated<R>(
  queue: Queue,
  reuse: NonNullable<FileJournalOptions<R>["reuse"]>,
  signal: AbortSignal,
): Promise<void> {
  let kept = 0;
  for (;;) {
    const jobs = await queue.getJobs(["completed"], kept, kept + batch - 1, true);
    if (jobs.length === 0) return;
    for (const job of jobs) {
      signal.throwIfAborted();
      if (job === undefined || (await reuse(outcomeOf<R>(job, keyOf(job))))) kept++;
      else await job.remove();
    }
  }
}

interface State<R> {
  readonly queue: Queue;
  readonly journal: ScanJournal<R>;
  /** Keys that were given out and have not come back: bounded by the backlog and what workers hold. */
  readonly waiting: Set<string>;
  readonly progress: { done: number; resumed: number; failed: number };
}

/** Adds items while the backlog has room; true: there are no more. */
function feeder<T, R>(options: QueuedScanOptions<T, R>, state: State<R>): () => Promise<boolean> {
  const items = each(options.items);
  return async () => {
    const jobs: { name: string; data: unknown; opts: object }[] = [];
    while (state.waiting.size < backlog && jobs.length < batch) {
      const { done, value } = await items.next();
      if (done) {
        if (jobs.length > 0) await state.queue.addBulk(jobs);
        return true;
      }
      const key = options.key(value);
      if (state.journal.has(key)) state.progress.resumed++;
      else if (!state.waiting.has(key)) {
        state.waiting.add(key);
        jobs.push({ name: "item", data: { key, item: value }, opts: { jobId: jobId(key), attempts: 3 } });
      }
    }
    if (jobs.length > 0) await state.queue.addBulk(jobs);
    return false;
  };
}

/** An item's id in the queue: adding it twice is adding it once. */
function jobId(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

type Collecting<T, R> = Pick<QueuedScanOptions<T, R>, "onOutcome" | "onProgress"> & Omit<State<R>, "queue">;

/** Takes what is done off the queue: told first, written down second, removed last. */
async function collect<T, R>(queue: Queue, state: Collecting<T, R>): Promise<number> {
  const jobs = await queue.getJobs(["completed", "failed"], 0, batch - 1, true);
  let collected = 0;
  for (const job of jobs) {
    if (job === undefined) continue;
    const key = keyOf(job);
    if (!state.journal.has(key)) await tell(outcomeOf<R>(job, key), state);
    await job.remove();
    state.waiting.delete(key);
    collected++;
  }
  return collected;
}

async function tell<T, R>(outcome: ScanOutcome<R>, state: Collecting<T, R>): Promise<void> {
  await state.onOutcome?.(outcome);
  await state.journal.add(outcome);
  state.progress.done++;
  if ("error" in outcome) state.progress.failed++;
  state.onProgress?.({ ...state.progress });
}

function keyOf({ data }: Job): string {
  return (data as { readonly key: string }).key; // written by `feeder`
}

function outcomeOf<R>(job: Job, key: string): ScanOutcome<R> {
  if (job.failedReason) return { key, error: job.failedReason };
  return job.returnvalue as ScanOutcome<R>; // written by `scanWorker`
}

export interface ScanWorkerOptions<T, R> extends QueueOptions {
  readonly evaluate: (item: T, options: { readonly signal: AbortSignal }) => Promise<R>;
  /** Items under way at a time. Default 16. */
  readonly concurrency?: number;
  /** Told of trouble with Redis; the worker goes on by itself when it is back. */
  readonly onError?: (error: Error) => void;
}

/** A worker that runs. */
export interface ScanWorker {
  /** Ends it: what is under way is finished first. */
  close(): Promise<void>;
}

/**
 * Judges items from a queue until it is closed. It keeps nothing: an item counts as done when its outcome is in the
 * queue, so a worker may be killed at any time.
 */
export async function scanWorker<T, R>(options: ScanWorkerOptions<T, R>): Promise<ScanWorker> {
  const { Worker } = await bullmq();
  const ending = new AbortController();
  const work = async (job: Job): Promise<ScanOutcome<R>> => {
    const { key, item } = job.data as { readonly key: string; readonly item: T }; // written by `feeder`
    try {
      return { key, result: await options.evaluate(item, { signal: ending.signal }) };
    } catch (error) {
      return { key, error: error instanceof Error ? error.message : String(error) };
    }
  };
  const worker = new Worker(options.name ?? "assay-scan", work, {
    connection: { ...connectionTo(options.redis), maxRetriesPerRequest: null },
    concurrency: options.concurrency ?? 16,
    lockDuration: lockMs,
    stalledInterval: lockMs / 2,
    // A worker that dies takes nothing with it, however often that happens.
    maxStalledCount: 1000,
  });
  worker.on("error", options.onError ?? (() => undefined));
  await worker.waitUntilReady();
  return { close: () => worker.close() };
}

async function bullmq(): Promise<BullMq> {
  return (await optionalPeer("bullmq", "a scan by several workers")) as BullMq; // its documented exports
}

function connectionTo(address: string): object {
  if (URL.canParse(address) && /^rediss?:$/.test(new URL(address).protocol)) return { url: address };
  const origin = shownAddress(address);
  const message = `\`${origin}\` is no address of a Redis: write \`redis://host:port\``;
  throw new SourceError("misuse", message, { origin });
}

async function* each<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, undefined> {
  yield* items;
  return undefined;
}
