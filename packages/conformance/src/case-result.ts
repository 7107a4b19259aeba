/** What became of one case. `known`: it differs, for a reason that `known-differences.json` gives. */
export interface CaseResult {
  readonly id: string;
  /** File or directory the case is from. */
  readonly group: string;
  readonly outcome: "passed" | "failed" | "known";
  readonly expected?: string;
  readonly received?: string;
  /** For `known`: the rule that recognises it. */
  readonly rule?: string;
}

/** `N passed, N failed`; a known difference is no failure, and is counted apart. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly known: number;
}

export function tally(results: readonly CaseResult[]): Tally {
  const count = (outcome: CaseResult["outcome"]): number =>
    results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), known: count("known") };
}
