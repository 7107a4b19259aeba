import type { Verdict } from "@assay/engine";
import { exitCode } from "./command-line.ts";

/** What a verdict comes to, in one word. */
export type Decision = keyof typeof exitCode;

/** How many of what. */
export type DecisionCounts = Readonly<Record<Decision, number>>;

/** The word for a verdict. What is not allowed because nobody could tell is not denied. */
export function decisionOf({ allowed, outcome }: Pick<Verdict, "allowed" | "outcome">): Decision {
  if (allowed) return "allowed";
  return outcome === "error" ? "undecided" : "denied";
}

/** The exit status that a verdict asks for. */
export function statusOf(verdict: Pick<Verdict, "allowed" | "outcome">): number {
  return exitCode[decisionOf(verdict)];
}

/** `2 allowed, 1 denied`: the last line of a run. */
export function countsText({ allowed, denied, undecided }: DecisionCounts): string {
  const rest = undecided === 0 ? "" : `, ${undecided} could not be decided`;
  return `${allowed} allowed, ${denied} denied${rest}`;
}

/** `Kind/namespace/name`. */
export function resourceName({ kind, namespace, name }: Verdict["resource"]): string {
  return [kind, namespace, name].filter((part) => part !== undefined).join("/");
}
