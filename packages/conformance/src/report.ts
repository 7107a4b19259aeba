import { type CaseResult, tally } from "./case-result.ts";
import { knownDifferences } from "./known-differences.ts";

/** Each failing case with what was expected and received, the known differences by rule, and the tally last. */
export function report(results: readonly CaseResult[]): string {
  const failures = results.filter(({ outcome }) => outcome === "failed").map(failure);
  const known = knownDifferences.flatMap(({ rule, reason }) => {
    const ids = results.filter((result) => result.rule === rule).map(({ id }) => id);
    return ids.length === 0
      ? []
      : [`known difference \`${rule}\`, ${ids.length} cases: ${reason}\n  ${ids.join(" ")}`];
  });
  const counts = tally(results);
  if (counts.known > 0) known.push(`${counts.known} of the passed differ as listed above`);
  return [...failures, ...known, `${counts.passed + counts.known} passed, ${counts.failed} failed`].join(
    "\n",
  );
}

function failure({ group, id, expected, received }: CaseResult): string {
  return `FAIL ${group} ${id}\n  expected: ${expected ?? ""}\n  received: ${received ?? ""}`;
}
