import { styleText } from "node:util";
import { explain, type Verdict } from "@assay/engine";
import { countsText, decisionOf, resourceName } from "./decision.ts";
import { plainText } from "./plain-text.ts";
import type { Terminal } from "./terminal.ts";

/** How much is said of resources that are allowed: one line each, or the whole tree of reasons. */
export type Detail = "short" | "full";

/** One verdict for people: what was decided, and of a denial every reason with its place in the policy. */
export function verdictText(verdict: Verdict, terminal: Terminal, detail: Detail = "short"): string {
  if (detail === "full" || !verdict.allowed || verdict.outcome === "error") {
    return `${explain(verdict, { color: terminal.color, width: terminal.width })}\n`;
  }
  const paint = terminal.color
    ? (text: string): string => styleText("green", text, { validateStream: false })
    : String;
  const lines = [
    ...(verdict.results.length === 0 ? ["  no rule selects an image of it"] : []),
    ...verdict.results.map(
      (result) =>
        `  ${result.outcome} ${result.policy}/${result.rule}${result.image === undefined ? "" : `: ${result.image}`}${result.outcome === "pass" ? "" : `: ${result.message}`}`,
    ),
    ...verdict.patches.map((patch) => `  pinned ${JSON.stringify(patch.value)}`),
    ...verdict.warnings.map((warning) => `  warning: ${warning}`),
  ];
  return `${[`${paint("allowed")} ${plainText(resourceName(verdict.resource))}`, ...lines.map(plainText)].join("\n")}\n`;
}

/** `2 allowed, 1 denied`: the last line of a run over several resources. */
export function summary(verdicts: readonly Verdict[]): string {
  const counts = { allowed: 0, denied: 0, undecided: 0 };
  for (const verdict of verdicts) counts[decisionOf(verdict)]++;
  return countsText(counts);
}
