import { createHash } from "node:crypto";
import type { Evaluation, Result, Verdict } from "@assay/engine";
import type { Outcome } from "@assay/policy";
import type { ScanOutcome } from "@assay/sources/fleet";
import { isJsonObject } from "../json-object.ts";
import { type Decision, type DecisionCounts, decisionOf } from "../terminal/decision.ts";
import { type ClusterRead, clusterReads } from "./cluster-reads.ts";

/** What a scan keeps of an evaluation: the decision, its reasons, and what it read of the cluster; not the trace. */
export interface ScanResult {
  readonly name: string;
  readonly allowed: boolean;
  readonly outcome: Outcome;
  readonly results: readonly Result[];
  readonly reads: readonly ClusterRead[];
}

/** The part of an evaluation that is kept for each item; `verdict` heeds what runs. */
export function scanResult(
  name: string,
  { allowed, outcome, results }: Verdict,
  { answers }: Pick<Evaluation, "answers">,
): ScanResult {
  return { name, allowed, outcome, results, reads: clusterReads(answers) };
}

const outcomes: ReadonlySet<unknown> = new Set<Outcome>(["pass", "fail", "error", "skip"]);

/** Whether what came out of a journal or a queue, which others can write to, is a result: all that is used of one. */
export function isScanResult(value: unknown): value is ScanResult {
  if (!isJsonObject(value)) return false;
  const { name, allowed, outcome, results, reads } = value;
  return (
    typeof name === "string" &&
    typeof allowed === "boolean" &&
    outcomes.has(outcome) &&
    Array.isArray(reads) &&
    Array.isArray(results) &&
    results.every(
      (result) =>
        isJsonObject(result) &&
        outcomes.has(result["outcome"]) &&
        typeof result["code"] === "string" &&
        typeof result["message"] === "string",
    )
  );
}

/** Whether something was found out. What was not is asked again by the next run: a registry may have been away. */
export function isSettled(outcome: ScanOutcome<ScanResult>): boolean {
  return "result" in outcome && outcome.result.outcome !== "error";
}

/** Counts the items of a run, each once. What its journal says of other items (Pods that are gone) is none of it. */
export interface ScanCounter {
  /** An item that this run judged. */
  judged(outcome: ScanOutcome<ScanResult>): void;
  /** What an earlier run found out, should the item come. */
  known(key: string, result: ScanResult): void;
  /** An item that is done. */
  resumed(key: string): void;
  counts(): DecisionCounts;
}

/** Remembers a short hash of each item that is known and has not come. */
export function scanCounter(): ScanCounter {
  const counts = { allowed: 0, denied: 0, undecided: 0 };
  const earlier = new Map<string, Decision>();
  const short = (key: string): string => createHash("sha256").update(key).digest("base64url").slice(0, 22);
  return {
    judged: (outcome) => {
      counts["result" in outcome ? decisionOf(outcome.result) : "undecided"]++;
    },
    known: (key, result) => void earlier.set(short(key), decisionOf(result)),
    resumed(key) {
      const word = earlier.get(short(key));
      if (word === undefined) return;
      counts[word]++;
      // It may be in the list twice.
      earlier.delete(short(key));
    },
    counts: () => ({ ...counts }),
  };
}
