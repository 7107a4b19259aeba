import { parentPort } from "node:worker_threads";
import { engineMemory } from "../engine-memory.ts";
import { type JudgeJob, type JudgeReply, jobJudge } from "./judge-job.ts";

// The thread that judges large evidence, so that a 10 MB attestation does not hold up the caller's event loop.

const judge = jobJudge(engineMemory({ maxPrepared: 100, maxFactBytes: 1, factTtlMilliseconds: 0 }));

parentPort?.on("message", (job: JudgeJob) => {
  parentPort?.postMessage(replyTo(job));
});

function replyTo(job: JudgeJob): JudgeReply {
  try {
    return { id: job.id, judgement: judge(job) };
  } catch (error) {
    return { id: job.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
