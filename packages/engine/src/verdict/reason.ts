import type { Outcome, Trace } from "@assay/policy";

/**
 * What several steps that must all hold come to: one `fail` decides, whatever could not be told beside it; then one
 * `error`; steps that were skipped say nothing.
 */
export function allOf(traces: readonly Trace[]): Outcome {
  let outcome: Outcome = "pass";
  for (const trace of traces) {
    if (trace.outcome === "fail") return "fail";
    if (trace.outcome === "error") outcome = "error";
  }
  return outcome;
}

const severity: readonly Outcome[] = ["error", "fail", "pass", "skip"];

/** The outcome that stands for several that are told side by side: error before fail before pass before skip. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  return severity.find((outcome) => outcomes.includes(outcome)) ?? "skip";
}

/** The first step that made it come out as it did. */
export function leadOf(traces: readonly Trace[], outcome: Outcome): Trace | undefined {
  return traces.find((trace) => trace.outcome === outcome);
}

/** What a rule came to, by the outcomes of its images. */
export function imagesMessage(outcomes: readonly Outcome[]): string {
  const words = { pass: "verified", fail: "refused", error: "undecided", skip: "skipped" } as const;
  const said = (["pass", "fail", "error", "skip"] as const)
    .map((outcome) => [outcomes.filter((one) => one === outcome).length, words[outcome]] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  return `${outcomes.length === 1 ? "1 image" : `${outcomes.length} images`}: ${said.join(", ")}`;
}

const maxReasons = 4;

/**
 * The reasons below a step, as Kyverno writes them: `.attestors[0].entries[0].keys: no signatures found; …`. At most
 * four, longest paths first come, first served; the trace has them all.
 */
export function reasonsOf(trace: Trace): string {
  const leaves: Trace[] = [];
  collect(trace, trace.outcome, leaves);
  const texts = [...new Set(leaves.map((leaf) => `${shortPath(leaf.path)}${shortened(leaf.message)}`))];
  const more = texts.length - maxReasons;
  return texts.slice(0, maxReasons).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

const maxMessage = 2_000;

/** Messages quote foreign text: one of them must not fill an admission response. */
function shortened(message: string): string {
  return message.length <= maxMessage ? message : `${message.slice(0, maxMessage)}…`;
}

function collect(trace: Trace, outcome: Outcome, into: Trace[]): void {
  const guilty = trace.children.filter((child) => child.outcome === outcome);
  if (guilty.length === 0 || isEntry(trace)) into.push(trace);
  else for (const child of guilty) collect(child, outcome, into);
}

/** Kyverno's messages stop at the attestor's entry; what is below says why in detail. */
function isEntry(trace: Trace): boolean {
  return trace.step === "attestor" && trace.message !== "";
}

/** The part of a field path below `verifyImages[n]`. */
function shortPath(path: string): string {
  const short = path.replace(/^.*verifyImages\[\d+\]/, "");
  return short === "" || short === path ? "" : `${short}: `;
}
