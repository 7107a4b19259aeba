import type { Worker } from "node:worker_threads";
import type { Policy, PolicyException } from "@assay/policy";
import { type EvidenceItem, evidenceSize } from "../gather/answer-evidence.ts";
import type { Answers } from "../gather/gather.ts";
import { whenAborted } from "../gather/when-aborted.ts";
import type { Judgement } from "../judge/judge.ts";
import type { Case } from "../judge-once.ts";
import { positionTable } from "../plan/condition-positions.ts";
import { type CopiedEvidence, evidenceCopier } from "./copy-evidence.ts";
import { type HeldEvidence, heldEvidence } from "./held-evidence.ts";
import type { JudgeJob, JudgeReply, ShippedPolicy } from "./judge-job.ts";

/** Judges in another thread. */
export interface AwayJudge {
  /**
   * The judgement; `unavailable` where no thread can be had: then the caller judges itself; `lost` where the thread ended
   * over it, or `signal` was aborted before it was done: then the caller must not try, it would be held up as well.
   */
  judge(one: Case, answers: Answers, signal: AbortSignal): Promise<Judgement | "unavailable" | "lost">;
}

/** How long an idle thread is kept. */
const idleMilliseconds = 30_000;

/** Evidence that an idle thread holds, so that what a source keeps is sent once. */
const maxHeldBytes = 64 * 1024 * 1024;

/** Bytes of evidence among the answers. */
export function evidenceBytes(answers: Answers): number {
  let bytes = 0;
  for (const { answer } of answers.values()) bytes += evidenceSize(answer);
  return bytes;
}

interface Thread {
  readonly worker: Worker;
  readonly shipped: Set<number>;
  readonly held: HeldEvidence;
  readonly waiting: Map<number, Waiter>;
  idle?: NodeJS.Timeout;
  ended?: true;
}

interface Waiter {
  /** `undefined`: the thread ended first. */
  resolve(judgement: Judgement | undefined): void;
  reject(error: Error): void;
}

/** A job whose thread is ended because of another one is tried again, in a new thread. */
const maxTries = 3;

/** A thread that is started when it is first needed, and ends when it has been idle for a while. */
export function awayJudge(exceptions: readonly PolicyException[]): AwayJudge {
  const ids = new Map<Policy, number>();
  let current: Promise<Thread | undefined> | undefined;
  const copy = evidenceCopier();
  let nextJob = 0;
  const start = (): Promise<Thread | undefined> => {
    if (current !== undefined) return current;
    const mine = startThread(() => {
      if (current === mine) current = undefined;
    });
    current = mine;
    return mine;
  };
  return {
    async judge(one, answers, signal) {
      for (let tries = 0; tries < maxTries && !signal.aborted; tries++) {
        const thread = await started(start(), signal);
        if (thread === "lost") return "lost";
        if (thread === undefined) return "unavailable";
        const copied = new Map<EvidenceItem, CopiedEvidence>();
        for (;;) {
          const next = thread.held.missing(answers, copied);
          if (next === undefined) break;
          copied.set(next, await copy(next));
        }
        // INVARIANT: from here to the message nothing is waited for; the books say what the thread was sent.
        if (signal.aborted) return "lost";
        if (thread.ended) continue;
        const job = jobOf(nextJob++, { one, answers, ids, thread, exceptions });
        const judged = await run(withCopies(job, copied), thread, signal);
        if (judged !== undefined) return judged;
      }
      return "lost";
    },
  };
}

/** A busy machine may take long to start a thread: nobody waits for it beyond the deadline. */
async function started(
  thread: Promise<Thread | undefined>,
  signal: AbortSignal,
): Promise<Thread | "lost" | undefined> {
  const aborted = whenAborted(signal);
  try {
    return await Promise.race([thread, aborted.promise.then(() => "lost" as const)]);
  } finally {
    aborted.dispose();
  }
}

interface Message {
  readonly job: JudgeJob;
  /** What is given away with it. */
  readonly buffers: ArrayBuffer[];
}

function withCopies(job: JudgeJob, copied: ReadonlyMap<EvidenceItem, CopiedEvidence>): Message {
  const buffers: ArrayBuffer[] = [];
  const hold = job.hold.map(([id, item]) => {
    const copy = copied.get(item);
    if (copy !== undefined) buffers.push(copy.buffer);
    return [id, copy?.item ?? item] as const;
  });
  return { job: { ...job, hold }, buffers };
}

/** Undefined: the thread ended first, perhaps because of another job. */
async function run(
  { job, buffers }: Message,
  thread: Thread,
  signal: AbortSignal,
): Promise<Judgement | "unavailable" | undefined> {
  // One job at a time: who waits in vain waits for the one that takes too long.
  const end = (): void => void thread.worker.terminate();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await new Promise<Judgement | undefined>((resolve, reject) => {
      thread.waiting.set(job.id, { resolve, reject });
      clearTimeout(thread.idle);
      thread.worker.postMessage(job, buffers);
    });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // A request that holds what no message can: what the thread was to keep of it never arrived.
    end();
    return "unavailable";
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** Undefined where threads or this package's files cannot be had, e.g. in a single-file bundle. */
async function startThread(onEnd: () => void): Promise<Thread | undefined> {
  try {
    const { Worker } = await import("node:worker_threads");
    const isSource = import.meta.url.endsWith(".ts");
    const url = new URL(`./judge-worker.${isSource ? "ts" : "js"}`, import.meta.url);
    const worker = new Worker(url, isSource ? { execArgv: ["--conditions=assay:source"] } : {});
    await new Promise((resolve, reject) => {
      worker.once("online", resolve);
      worker.once("error", reject);
      worker.once("exit", reject);
    });
    const thread: Thread = {
      worker,
      shipped: new Set(),
      held: heldEvidence(maxHeldBytes),
      waiting: new Map(),
    };
    listen(thread, onEnd);
    return thread;
  } catch {
    return undefined;
  }
}

function listen(thread: Thread, onEnd: () => void): void {
  const { worker, waiting } = thread;
  // An idle thread must not keep the process alive.
  worker.unref();
  worker.on("message", (reply: JudgeReply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("judgement" in reply) waiter?.resolve(reply.judgement);
    else waiter?.reject(new Error(reply.error));
    if (waiting.size > 0) return;
    thread.idle = setTimeout(() => {
      thread.ended = true;
      onEnd();
      void worker.terminate();
    }, idleMilliseconds);
    thread.idle.unref();
  });
  const ended = (): void => {
    thread.ended = true;
    onEnd();
    clearTimeout(thread.idle);
    for (const { resolve } of waiting.values()) resolve(undefined);
    waiting.clear();
  };
  // Out of memory, for instance. The exit follows.
  worker.on("error", ended);
  worker.on("exit", ended);
}

interface JobInput {
  readonly one: Case;
  readonly answers: Answers;
  readonly ids: Map<Policy, number>;
  readonly thread: Pick<Thread, "shipped" | "held">;
  /** All of the engine's: which rules they are about is found out where they are compiled. */
  readonly exceptions: readonly PolicyException[];
}

function jobOf(id: number, { one, answers, ids, thread, exceptions }: JobInput): JudgeJob {
  const policies = new Map<number, ShippedPolicy>();
  const candidates = [...one.plan.rules, ...one.plan.unmatched].map(({ compiled }) => compiled);
  const rules = candidates.map((compiled) => {
    const { policy, rule } = compiled;
    const policyId = ids.get(policy) ?? ids.size;
    ids.set(policy, policyId);
    if (!thread.shipped.has(policyId) && !policies.has(policyId)) {
      policies.set(policyId, { id: policyId, policy, exceptions, positions: positionTable(policy) });
    }
    return [policyId, policy.rules.indexOf(rule)] as const;
  });
  for (const policyId of policies.keys()) thread.shipped.add(policyId);
  return {
    id,
    policies: [...policies.values()],
    rules,
    request: one.facts.request,
    settings: one.settings,
    now: one.now,
    ...thread.held.ship(answers),
  };
}
