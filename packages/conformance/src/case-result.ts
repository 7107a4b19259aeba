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

/** Counts the outcomes. */
export function tally(results: readonly CaseResult[]): Tally {
  const count = (outcome: CaseResult["outcome"]): number =>
    results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), known: count("known") };
}

/** The failing cases, one line each. */
export function failuresOf(results: readonly CaseResult[]): readonly string[] {
  return results
    .filter(({ outcome }) => outcome === "failed")
    .map(({ id, expected, received }) => `${id}: expected ${expected}, received ${received}`);
}
