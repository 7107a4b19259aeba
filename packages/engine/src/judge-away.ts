import type { Worker } from "node:worker_threads";
import type { Policy } from "@assay/policy";
import type { CompiledRule } from "./compile.ts";
import { positionTable } from "./condition-positions.ts";
import type { Case } from "./evaluate-request.ts";
import type { Answers } from "./gather.ts";
import { candidateBytes, type HeldAnswers, heldAnswers } from "./held-answers.ts";
import type { Judgement } from "./judge.ts";
import type { JudgeJob, JudgeReply, ShippedPolicy } from "./judge-job.ts";

/** Judges in another thread. */
export interface AwayJudge {
  /** The judgement, or undefined where no thread can be had: then the caller judges itself. */
  judge(one: Case, answers: Answers): Promise<Judgement | undefined>;
}

/** How long an idle thread is kept. */
const idleMilliseconds = 30_000;

/** Evidence that an idle thread holds, so that what a source keeps is copied once. */
const maxHeldBytes = 64 * 1024 * 1024;

/** Bytes of evidence among the answers. */
export function evidenceBytes(answers: Answers): number {
  let bytes = 0;
  for (const { answer } of answers.values()) bytes += candidateBytes(answer);
  return bytes;
}

interface Thread {
  readonly worker: Worker;
  readonly shipped: Set<number>;
  readonly held: HeldAnswers;
  readonly waiting: Map<number, { resolve(judgement: Judgement): void; reject(error: Error): void }>;
  idle?: NodeJS.Timeout;
}

/** A thread that is started when it is first needed, and ends when it has been idle for a while. */
export function awayJudge(): AwayJudge {
  const ids = new Map<Policy, number>();
  let thread: Promise<Thread | undefined> | undefined;
  let nextJob = 0;
  const start = (): Promise<Thread | undefined> => {
    thread ??= startThread(() => {
      thread = undefined;
    });
    return thread;
  };
  return {
    async judge(one, answers) {
      const started = await start();
      if (started === undefined) return undefined;
      const job = jobOf(nextJob++, { one, answers, ids, thread: started });
      for (const { id } of job.policies) started.shipped.add(id);
      return await new Promise((resolve, reject) => {
        started.waiting.set(job.id, { resolve, reject });
        clearTimeout(started.idle);
        started.worker.postMessage(job);
      });
    },
  };
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
    });
    const thread: Thread = {
      worker,
      shipped: new Set(),
      held: heldAnswers(maxHeldBytes),
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
      onEnd();
      void worker.terminate();
    }, idleMilliseconds);
    thread.idle.unref();
  });
  const fail = (error: Error): void => {
    onEnd();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("error", fail);
  worker.on("exit", () => fail(new Error("the judging thread ended")));
}

interface JobInput {
  readonly one: Case;
  readonly answers: Answers;
  readonly ids: Map<Policy, number>;
  readonly thread: Pick<Thread, "shipped" | "held">;
}

function jobOf(id: number, { one, answers, ids, thread }: JobInput): JudgeJob {
  const policies = new Map<number, ShippedPolicy>();
  const candidates = [...one.plan.rules, ...one.plan.unmatched].map(({ compiled }) => compiled);
  const rules = candidates.map((compiled) => {
    const { policy, rule } = compiled;
    const policyId = ids.get(policy) ?? ids.size;
    ids.set(policy, policyId);
    if (!thread.shipped.has(policyId) && !policies.has(policyId)) {
      policies.set(policyId, shippedPolicy(policyId, policy, candidates));
    }
    return [policyId, policy.rules.indexOf(rule)] as const;
  });
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

function shippedPolicy(id: number, policy: Policy, candidates: readonly CompiledRule[]): ShippedPolicy {
  const exceptions = new Set(candidates.flatMap((one) => (one.policy === policy ? one.exceptions : [])));
  return { id, policy, exceptions: [...exceptions], positions: positionTable(policy) };
}
