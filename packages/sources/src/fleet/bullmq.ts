import { createHash } from "node:crypto";
import { anything, type Check, words } from "../check-options.ts";
import { optionalPeer } from "../credentials/optional-peer.ts";
import { isFields, own } from "../oci/manifest.ts";

/** Where the queue is. */
export interface QueueOptions {
  /**
   * Address of a Redis or Valkey, e.g. `redis://127.0.0.1:6379`. With another `maxmemory-policy` than `noeviction` it may
   * lose items, which are then judged again.
   */
  readonly redis: string;
  /** Name of the queue: one for each scan that runs. Default `assay-scan`. */
  readonly name?: string;
}

/** The address is looked at where it is read. */
export const queueChecks: Readonly<Record<keyof QueueOptions, Check>> = { redis: anything, name: words };

// What we use of bullmq, which is optional: its types cannot be imported.
export interface Job {
  readonly data: unknown;
  readonly returnvalue: unknown;
  readonly failedReason?: unknown;
}
export interface Queue {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  addBulk(jobs: readonly { name: string; data: unknown; opts: object }[]): Promise<unknown>;
  getRanges(
    states: readonly string[],
    start: number,
    end: number,
    ascending: boolean,
  ): Promise<readonly string[]>;
  getJob(id: string): Promise<Job | undefined>;
  remove(id: string): Promise<unknown>;
  close(): Promise<void>;
}
export interface Worker {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  pause(doNotWaitActive: true): Promise<void>;
  isRunning(): boolean;
  close(force?: boolean): Promise<void>;
}
interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (name: string, work: (job: Job) => Promise<unknown>, options: object) => Worker;
}

export const defaultName = "assay-scan";

/** For both ends: the version was looked at when the link was opened, and bullmq would write about it to the console. */
export const quiet: { readonly skipVersionCheck: true } = { skipVersionCheck: true };

export async function bullmq(): Promise<BullMq> {
  return (await optionalPeer("bullmq", "a scan by several workers")) as BullMq; // its documented exports
}

/** An item's id in the queue: adding it twice is adding it once. */
export function jobId(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** The key of an item of ours. Whoever can write to Redis can put anything there. */
export function keyOf(data: unknown): string | undefined {
  const key = isFields(data) ? own(data, "key") : undefined;
  return typeof key === "string" ? key : undefined;
}
