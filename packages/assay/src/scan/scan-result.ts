import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Result, Verdict } from "@assay/engine";
import type { Outcome } from "@assay/policy";

/** What a scan keeps of a verdict: the decision and its reasons, not the trace. */
export interface ScanResult {
  readonly name: string;
  readonly allowed: boolean;
  readonly outcome: Outcome;
  readonly results: readonly Result[];
}

/** How many of what. */
export interface ScanCounts {
  readonly allowed: number;
  readonly denied: number;
  readonly undecided: number;
}

/** The part of a verdict that is kept for each item. */
export function scanResult(name: string, { allowed, outcome, results }: Verdict): ScanResult {
  return { name, allowed, outcome, results };
}

/** One word for a result. */
export function decision({ allowed, outcome }: Pick<ScanResult, "allowed" | "outcome">): keyof ScanCounts {
  if (allowed) return "allowed";
  return outcome === "error" ? "undecided" : "denied";
}

/** Counts what a journal holds of one set of policies: what earlier runs judged counts as what this one did. */
export async function countJournal(path: string, fingerprint: string): Promise<ScanCounts> {
  const counts = { allowed: 0, denied: 0, undecided: 0 };
  const failed = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const outcome: { key?: unknown; result?: Pick<ScanResult, "allowed" | "outcome"> } = JSON.parse(line);
    const key = String(outcome.key);
    if (!key.endsWith(` ${fingerprint}`)) continue;
    if (outcome.result === undefined) failed.add(key);
    else {
      failed.delete(key);
      counts[decision(outcome.result)]++;
    }
  }
  return { ...counts, undecided: counts.undecided + failed.size };
}
