import { createHash } from "node:crypto";
import type { Evaluation, Result, Verdict } from "@assay/engine";
import type { Outcome } from "@assay/policy";
import type { ScanOutcome } from "@assay/sources/fleet";
import { type ClusterRead, clusterReads } from "./cluster-reads.ts";

/** What a scan keeps of an evaluation: the decision, its reasons, and what it read of the cluster; not the trace. */
export interface ScanResult {
  readonly name: string;
  readonly allowed: boolean;
  readonly outcome: Outcome;
  readonly results: readonly Result[];
  readonly reads: readonly ClusterRead[];
}

/** How many of what. */
export interface ScanCounts {
  readonly allowed: number;
  readonly denied: number;
  readonly undecided: number;
}

/** The part of an evaluation that is kept for each item; `verdict` heeds what runs. */
export function scanResult(
  name: string,
  { allowed, outcome, results }: Verdict,
  { answers }: Pick<Evaluation, "answers">,
): ScanResult {
  return { name, allowed, outcome, results, reads: clusterReads(answers) };
}

/** One word for a result. */
function decision({ allowed, outcome }: Pick<ScanResult, "allowed" | "outcome">): keyof ScanCounts {
  if (allowed) return "allowed";
  return outcome === "error" ? "undecided" : "denied";
}

/** Whether something was found out. What was not is asked again by the next run: a registry may have been away. */
export function isSettled(outcome: ScanOutcome<ScanResult>): boolean {
  return "result" in outcome && outcome.result?.outcome !== "error";
}

/** Counts outcomes of this run, and of earlier ones. */
export interface ScanCounter {
  add(outcome: ScanOutcome<ScanResult>): void;
  counts(): ScanCounts;
}

/** Of an item that is judged several times the last outcome counts. INVARIANT: only one that was settled is not judged again. */
export function scanCounter(): ScanCounter {
  const settled = { allowed: 0, denied: 0, undecided: 0 };
  const open = new Map<string, keyof ScanCounts>();
  return {
    add(outcome) {
      const word = "result" in outcome ? decision(outcome.result) : "undecided";
      const key = createHash("sha256").update(outcome.key).digest("base64url").slice(0, 22);
      if (!isSettled(outcome)) open.set(key, word);
      else {
        open.delete(key);
        settled[word]++;
      }
    },
    counts() {
      const counts = { ...settled };
      for (const word of open.values()) counts[word]++;
      return counts;
    },
  };
}
