import type { Outcome, Trace } from "@assay/policy";
import type { Needs } from "../kernel.ts";
import {
  isPinned,
  type PreparedAttestor,
  type PreparedSet,
  type PreparedSets,
  type PreparedSigner,
  type PreparedUnavailable,
} from "../proof/prepared.ts";
import { countDistinct } from "../signer/distinct-signers.ts";
import { type Judgement, nothingNeeded, type Unsatisfied } from "./judgement.ts";

/** Judges one signer's evidence. `everySigner`: find all who satisfy it, since they may have to be told apart. */
export type JudgeSigner<Verified> = (signer: PreparedSigner, everySigner: boolean) => Judgement<Verified>;

/** All sets must hold. What can no longer change the outcome is not asked for. */
export function judgeSets<Verified>(
  sets: PreparedSets,
  judgeSigner: JudgeSigner<Verified>,
): Judgement<Verified> {
  const judged = sets.sets.map((set) => judgeSet(set, false, judgeSigner));
  const outcome = worst(judged.map(({ trace }) => trace.outcome));
  const decisive = judged.find(({ trace }) => trace.outcome === outcome) ?? judged[0];
  const trace: Trace = {
    step: "attestors",
    path: "",
    outcome,
    code: outcome === "pass" ? "ok" : (decisive?.trace.code ?? "internal"),
    message: outcome === "pass" ? "every attestor set holds" : (decisive?.trace.message ?? "no attestors"),
    children: judged.map((one) => one.trace),
  };
  const undecided = judged.filter((one) => one.trace.outcome === "error" && outcome === "error");
  return {
    trace,
    signers: judged.flatMap(({ signers }) => signers),
    verified: outcome === "pass" ? judged.flatMap(({ verified }) => verified) : [],
    ...needsOf(undecided),
  };
}

/** What the undecided parts of an undecided whole need. */
function needsOf(undecided: readonly Needs[]): Needs {
  return {
    needsTrust: undecided.some(({ needsTrust }) => needsTrust),
    needsEvidence: undecided.some(({ needsEvidence }) => needsEvidence),
    needsManifest: undecided.some(({ needsManifest }) => needsManifest),
    needsLog: undecided.flatMap(({ needsLog }) => needsLog),
  };
}

/** Sets are AND-ed: one that fails decides, whatever the others could still say. */
function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.length === 0 || outcomes.includes("fail")) return "fail";
  return outcomes.every((outcome) => outcome === "pass") ? "pass" : "error";
}

/**
 * `everySigner`: a set around this one tells signers apart, so that none of this one's may be left out, nor an entry
 * that is not needed for this set itself.
 */
function judgeSet<Verified>(
  set: PreparedSet,
  everySigner: boolean,
  judgeSigner: JudgeSigner<Verified>,
): Judgement<Verified> {
  const judged: Judgement<Verified>[] = [];
  const toldApart = everySigner || (set.isThreshold && set.count > 1);
  for (const entry of set.entries) {
    const isNeeded = everySigner || heldBy(set, passing(judged)) < set.count;
    judged.push(isNeeded ? judgeEntry(entry, toldApart, judgeSigner) : notEvaluated(entry));
  }
  const passed = heldBy(set, passing(judged));
  const reasons = undecidedReasons(judged);
  const outcome: Outcome =
    passed >= set.count ? "pass" : couldHold(set, judged) >= set.count ? "error" : "fail";
  const trace = setTrace(set, { outcome, passed, judged, reasons });
  if (outcome !== "pass") {
    return { trace, signers: [], verified: [], ...(outcome === "error" ? needsOf(reasons) : nothingNeeded) };
  }
  const [further] = everySigner ? reasons : [];
  return {
    trace,
    signers: judged.flatMap(({ signers }) => signers),
    verified: judged.flatMap(({ verified }) => verified),
    ...nothingNeeded,
    ...(further === undefined ? {} : { furtherSigners: { ...further, ...needsOf(reasons) } }),
  };
}

function passing<Verified>(judged: readonly Judgement<Verified>[]): readonly Judgement<Verified>[] {
  return judged.filter(({ trace }) => trace.outcome === "pass");
}

/** Why more entries or signers than are known may hold. */
function undecidedReasons(judged: readonly Judgement<unknown>[]): readonly Unsatisfied[] {
  return judged.flatMap((one) => {
    if (one.furtherSigners !== undefined) return [one.furtherSigners];
    const { outcome, code, message } = one.trace;
    if (outcome !== "error") return [];
    return [{ outcome, code, message, ...needsOf([one]) }];
  });
}

/** How many entries may hold once everything is known: who may have further signers counts as having one of its own. */
function couldHold(set: PreparedSet, judged: readonly Judgement<unknown>[]): number {
  const best = passing(judged).map((one, i) =>
    // No name of a signer holds NUL.
    one.furtherSigners === undefined ? one : { ...one, signers: [...one.signers, [`\0${i}`]] },
  );
  return heldBy(set, best) + judged.filter(({ trace }) => trace.outcome === "error").length;
}

/** A written count is a number of signers; without one, every entry is a demand of its own. */
function heldBy<Verified>({ isThreshold }: PreparedSet, passed: readonly Judgement<Verified>[]): number {
  // guard: distinct-signers
  if (isThreshold) return countDistinct(passed.map(({ signers }) => signers));
  return passed.length;
}

function judgeEntry<Verified>(
  entry: PreparedAttestor,
  everySigner: boolean,
  judgeSigner: JudgeSigner<Verified>,
): Judgement<Verified> {
  switch (entry.kind) {
    case "set":
      return judgeSet(entry, everySigner, judgeSigner);
    case "signer":
      return judgeSigner(entry, everySigner && !isPinned(entry));
    case "unavailable":
      return unavailable(entry);
  }
}

function unavailable<Verified>({ code, message, path, source }: PreparedUnavailable): Judgement<Verified> {
  const trace: Trace = { step: "attestor", path, source, outcome: "error", code, message, children: [] };
  return { trace, signers: [], verified: [], ...nothingNeeded };
}

function notEvaluated<Verified>({ path, source }: PreparedAttestor): Judgement<Verified> {
  const message = "not needed: enough attestors hold without it";
  const trace: Trace = {
    step: "attestor",
    path,
    source,
    outcome: "skip",
    code: "notEvaluated",
    message,
    children: [],
  };
  return { trace, signers: [], verified: [], ...nothingNeeded };
}

interface SetOutcome {
  readonly outcome: Outcome;
  readonly passed: number;
  readonly judged: readonly Judgement<unknown>[];
  /** Where it is undecided: why. */
  readonly reasons: readonly Unsatisfied[];
}

function setTrace(set: PreparedSet, { outcome, passed, judged, reasons: undecided }: SetOutcome): Trace {
  const children = judged.map(({ trace }) => trace);
  const place = { step: "attestorSet", path: set.path, source: set.source, outcome, children } as const;
  const counted = `${passed} of ${set.count} required attestors hold`;
  if (outcome === "pass") return { ...place, code: "ok", message: counted };
  const reasons = outcome === "error" ? undecided : children.filter((child) => child.outcome === "fail");
  const [only] = reasons;
  if (only !== undefined && set.entries.length === 1)
    return { ...place, code: only.code, message: only.message };
  const repeated =
    passed < children.filter((child) => child.outcome === "pass").length ? " by distinct signers" : "";
  const message = [`${counted}${repeated}`, ...reasons.slice(0, 8).map((reason) => reason.message)].join(
    "; ",
  );
  return {
    ...place,
    code: outcome === "error" ? (only?.code ?? "unavailable") : "notEnoughAttestors",
    message,
  };
}
