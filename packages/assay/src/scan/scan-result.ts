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

/** Counts outcomes of this run, and of earlier ones that hold. */
export interface ScanCounter {
  add(outcome: ScanOutcome<ScanResult>): void;
  counts(): ScanCounts;
}

/** An item that failed and has a result later counts by the result. */
export function scanCounter(): ScanCounter {
  const counts = { allowed: 0, denied: 0, undecided: 0 };
  const failed = new Set<string>();
  return {
    add(outcome) {
      if ("error" in outcome) failed.add(outcome.key);
      else {
        failed.delete(outcome.key);
        counts[decision(outcome.result)]++;
      }
    },
    counts: () => ({ ...counts, undecided: counts.undecided + failed.size }),
  };
}
