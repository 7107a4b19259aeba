import { amount, type Check, callable, checkOptions } from "../check-options.ts";
import { isFields, own } from "../oci/manifest.ts";
import { abortable, systemClock } from "../registry/deadline.ts";
import {
  bullmq,
  defaultName,
  type Job,
  jobId,
  keyOf,
  type Queue,
  type QueueOptions,
  queueChecks,
  quiet,
} from "./bullmq.ts";
import { openRedis, redisOrigin } from "./redis-link.ts";
import { type ScanOptions, type ScanProgress, scanChecks } from "./scan.ts";
import {
  type FileJournalOptions,
  memoryJournal,
  type ScanJournal,
  type ScanOutcome,
} from "./scan-journal.ts";

/** Items that were given out and have not come back: the rest of the list waits where it comes from. */
const backlog = 2000;
const batch = 500;
const idsAtOnce = 5000;
const pollMs = 50;
/** After so long without an outcome, what is waited for is given out anew, in case Redis has lost it. It doubles. */
const quietMs = 10_000;
const maxQuietMs = 300_000;
/** A Redis whose memory is too small may drop what an item is, and keep that there is one. */
const maxLosses = 10;

export interface QueuedScanOptions<T, R>
  extends Pick<ScanOptions<T, R>, "items" | "key" | "onOutcome" | "onProgress" | "journal" | "signal">,
    QueueOptions,
    /** Asked of the outcomes that workers had ready when this scan began, too: an earlier run did not collect them. */
    FileJournalOptions<R> {
  /**
   * Whether what came back through Redis, which others can write to, is a result. What is not is an outcome with an error.
   * Default: all JSON is.
   */
  readonly isResult?: (value: unknown) => boolean;
  /** Told of trouble with Redis, the same once until it is over. */
  readonly onError?: (error: Error) => void;
  /** Milliseconds that a Redis that has gone is waited for. Default 60,000. */
  readonly timeoutMs?: number;
}

const known: Readonly<Record<keyof QueuedScanOptions<unknown, unknown>, Check>> = {
  ...{ ...scanChecks, ...queueChecks },
  ...{ reuse: callable, isResult: callable, onError: callable, timeoutMs: amount },
};

/**
 * Gives the items of a scan to the workers of a queue (`scanWorker`, on any number of machines) and collects their
 * outcomes. An item that a killed worker held, or that Redis lost, is given out again; one that was done twice counts once.
 * If this process is killed, the next run with the same journal and queue goes on: nothing is lost, nothing is judged that
 * was collected. Throws `SourceError` when Redis is not there at the start or stays away, for an
 * option that does not exist or is none (`misuse`), and the reason of `signal`.
 */
export async function queuedScan<T, R>(options: QueuedScanOptions<T, R>): Promise<ScanProgress> {
  checkOptions(options, known);
  const { signal, timeoutMs = 60_000, onError = () => undefined } = options;
  const origin = redisOrigin(options.redis);
  signal.throwIfAborted();
  const { Queue } = await bullmq();
  const link = await openRedis(options.redis, { origin, signal, onError });
  const items = each(options.items);
  try {
    const queue = new Queue(options.name ?? defaultName, { ...quiet, connection: link.client });
    queue.on("error", link.tell);
    const scan: Scan<T, R> = {
      ...{ options, items, queue, journal: options.journal ?? memoryJournal<R>(), waiting: new Map() },
      progress: { done: 0, resumed: 0, failed: 0 },
      insist: (work) => link.insist(work, { timeoutMs, signal }),
    };
    await scan.insist(() => queue.waitUntilReady());
    await run(scan);
    return scan.progress;
  } finally {
    link.end();
    // Not waited for: what the items come from may hang.
    items.return(undefined).catch(() => undefined);
  }
}

interface Given<T> {
  readonly key: string;
  readonly item: T;
  /** How often Redis lost what it is. */
  losses: number;
}

interface Scan<T, R> {
  readonly options: QueuedScanOptions<T, R>;
  readonly items: AsyncGenerator<T, undefined>;
  readonly queue: Queue;
  readonly journal: ScanJournal<R>;
  /**
   * By its id, what was given out and has not come back: bounded by the backlog. INVARIANT: nothing else is taken for an
   * outcome of this scan, whatever is in the queue.
   */
  readonly waiting: Map<string, Given<T>>;
  readonly progress: { done: number; resumed: number; failed: number };
  readonly insist: <V>(work: () => Promise<V>) => ReturnType<typeof work>;
}

async function run<T, R>(scan: Scan<T, R>): Promise<void> {
  const { waiting, options } = scan;
  if (options.reuse !== undefined) await removeOutdated(scan, options.reuse);
  let fed = false;
  let [last, quiet] = [Date.now(), quietMs];
  while (!fed || waiting.size > 0) {
    options.signal.throwIfAborted();
    if (!fed) fed = await feed(scan);
    if ((await collect(scan)) > 0) {
      [last, quiet] = [Date.now(), quietMs];
      continue;
    }
    if (Date.now() - last > quiet) {
      await giveOutAnew(scan);
      [last, quiet] = [Date.now(), Math.min(quiet * 2, maxQuietMs)];
    }
    await systemClock.sleep(pollMs, options.signal);
  }
}

/** Takes off the queue what was judged before this scan and holds no longer: its item is added, and judged, anew. */
async function removeOutdated<T, R>(
  scan: Scan<T, R>,
  reuse: NonNullable<FileJournalOptions<R>["reuse"]>,
): Promise<void> {
  for (const id of await doneIds(scan, () => true)) {
    const job = await jobOf(scan, id);
    const key = keyOf(job?.data);
    // Not ours: nothing is given out by such an id.
    if (key === undefined || jobId(key) !== id) continue;
    scan.options.signal.throwIfAborted();
    if (!(await reuse(outcomeOf(job, key, scan.options)))) await scan.insist(() => scan.queue.remove(id));
  }
}

/** Adds items while the backlog has room; true: there are no more. */
async function feed<T, R>(scan: Scan<T, R>): Promise<boolean> {
  const { waiting, journal, progress, options } = scan;
  const added: string[] = [];
  let ended = false;
  while (waiting.size < backlog && added.length < batch) {
    const { done, value } = await abortable(scan.items.next(), options.signal);
    if (done) {
      ended = true;
      break;
    }
    const key = options.key(value);
    const id = jobId(key);
    if (journal.has(key)) progress.resumed++;
    else if (!waiting.has(id)) {
      waiting.set(id, { key, item: value, losses: 0 });
      added.push(id);
    }
  }
  await giveOut(scan, added);
  return ended;
}

/** Puts what is waited for into the queue. What is there is left as it is. */
async function giveOut<T, R>({ waiting, queue, insist }: Scan<T, R>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const jobs = ids.map((id) => {
    const given = waiting.get(id);
    return { name: "item", data: { key: given?.key, item: given?.item }, opts: { jobId: id, attempts: 3 } };
  });
  await insist(() => queue.addBulk(jobs));
}

/** What a worker holds stays as it is. Of anything else there may be parts that no worker can find. */
async function giveOutAnew<T, R>(scan: Scan<T, R>): Promise<void> {
  const { waiting, queue, insist } = scan;
  for (const [id, { key }] of waiting) {
    if ((await jobOf(scan, id)) === unreadable) {
      // Workers take it, cannot read it, and take it again.
      await tell({ key, error: "what Redis holds in its place cannot be read" }, scan);
      waiting.delete(id);
    }
    await insist(() => queue.remove(id));
  }
  await giveOut(scan, [...waiting.keys()]);
}

/** Ids of what is done, oldest first. */
async function doneIds<T, R>(
  { queue, insist }: Scan<T, R>,
  isWanted: (id: string) => boolean,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let from = 0; ; from += idsAtOnce) {
    const ids = await insist(() =>
      queue.getRanges(["completed", "failed"], from, from + idsAtOnce - 1, true),
    );
    for (const id of ids) if (isWanted(id)) found.add(id);
    if (ids.length < idsAtOnce) return [...found];
  }
}

/** Takes what is done off the queue: told first, written down second, removed last. */
async function collect<T, R>(scan: Scan<T, R>): Promise<number> {
  const { waiting, queue, options, insist } = scan;
  const ids = (await doneIds(scan, (id) => waiting.has(id))).slice(0, batch);
  const jobs = await Promise.all(ids.map((id) => jobOf(scan, id)));
  const again: string[] = [];
  for (const [i, id] of ids.entries()) {
    const given = waiting.get(id);
    const job = jobs[i];
    if (given === undefined || job === undefined) continue;
    options.signal.throwIfAborted();
    const isLost = keyOf(job.data) !== given.key;
    if (isLost && given.losses++ < maxLosses) {
      again.push(id);
    } else {
      const error = "Redis loses it again and again";
      await tell(isLost ? { key: given.key, error } : outcomeOf<R>(job, given.key, options), scan);
      // It counts once, whatever becomes of it in the queue.
      waiting.delete(id);
    }
    await insist(() => queue.remove(id));
  }
  await giveOut(scan, again);
  return jobs.filter((job) => job !== undefined).length;
}

const unreadable: Job = { data: undefined, returnvalue: undefined };

/** What the queue has by an id; undefined: nothing. */
async function jobOf<T, R>({ queue, insist }: Scan<T, R>, id: string): Promise<Job | undefined> {
  return await insist(async () => {
    try {
      return await queue.getJob(id);
    } catch (error) {
      // bullmq reads its fields as JSON.
      if (error instanceof SyntaxError || error instanceof TypeError) return unreadable;
      throw error;
    }
  });
}

async function tell<T, R>(
  outcome: ScanOutcome<R>,
  { options, journal, progress }: Scan<T, R>,
): Promise<void> {
  await options.onOutcome?.(outcome);
  await journal.add(outcome);
  progress.done++;
  if ("error" in outcome) progress.failed++;
  options.onProgress?.({ ...progress });
}

/** What a job came to. It is foreign: whoever can write to Redis can put anything there. */
function outcomeOf<R>(
  job: Job | undefined,
  key: string,
  { isResult = () => true }: Pick<QueuedScanOptions<never, R>, "isResult">,
): ScanOutcome<R> {
  const back = job?.returnvalue;
  if (isFields(back) && own(back, "key") === key) {
    const error = own(back, "error");
    const result = own(back, "result");
    if (typeof error === "string" && result === undefined) return { key, error };
    if (error === undefined && result !== undefined && isResult(result)) return { key, result: result as R };
  }
  const reason = back === undefined || back === null ? job?.failedReason : undefined;
  return { key, error: typeof reason === "string" ? reason : "what came back through Redis is no outcome" };
}

async function* each<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, undefined> {
  yield* items;
  return undefined;
}
