/** Collects named checks and prints each as it comes. */
export interface Checks {
  /** Passes if `holds`; `detail` is printed when it does not. */
  readonly that: (sentence: string, holds: boolean, detail?: string) => void;
  readonly passed: () => number;
  readonly failed: () => number;
}

/** No check yet. */
export function collectChecks(print: (line: string) => void): Checks {
  let passed = 0;
  let failed = 0;
  return {
    that(sentence, holds, detail = "") {
      if (holds) passed++;
      else failed++;
      print(holds ? `ok   ${sentence}` : `FAIL ${sentence}\n     ${detail.replaceAll("\n", "\n     ")}`);
    },
    passed: () => passed,
    failed: () => failed,
  };
}
