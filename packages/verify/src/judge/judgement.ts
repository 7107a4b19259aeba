import type { Code, Outcome, Trace } from "@assay/policy";
import type { EvidenceGap } from "../evidence/evidence.ts";
import type { Needs } from "../kernel.ts";
import type { LogQuestion } from "../log/log-lookup.ts";
import type { SignerNames } from "../signer/distinct-signers.ts";

/** What the evidence came to for a signer, for a set of attestors, or for all sets together. */
export interface Judgement<Verified> extends Needs {
  readonly trace: Trace;
  /** Everybody who satisfied it; empty unless it passed. */
  readonly signers: readonly SignerNames[];
  readonly verified: readonly Verified[];
  /** Where it passed: why further signers may satisfy it, who are not known yet. Asked for by `everySigner`. */
  readonly furtherSigners?: Unsatisfied;
}

/** Where the outcome is certain. */
export const nothingNeeded: Needs = {
  needsTrust: false,
  needsEvidence: false,
  needsManifest: false,
  needsLog: [],
};

/** How far a candidate came, worst first: the closest one tells the user most. */
const closeness: readonly Code[] = [
  "malformed",
  "tooLarge",
  "tooMany",
  "internal",
  "untrustedSigner",
  "badSignature",
  "identityMismatch",
  "logMissing",
  "logMismatch",
  "noTrustedTime",
  "expiredCertificate",
  "trustUnavailable",
  "imageNotFound",
  "manifestUnavailable",
  "claimMismatch",
  "predicateTypeMissing",
  "annotationMismatch",
  "conditionFalse",
];

/** The candidate that came closest. */
export function closest(traces: readonly Trace[]): Trace | undefined {
  const rank = ({ code }: Trace): number => closeness.indexOf(code);
  return traces.reduce<Trace | undefined>(
    (best, one) => (best === undefined || rank(one) > rank(best) ? one : best),
    undefined,
  );
}

/** Why nothing satisfied an attestor. */
export interface Unsatisfied extends Needs {
  readonly outcome: Extract<Outcome, "fail" | "error">;
  readonly code: Code;
  readonly message: string;
}

/** The candidates of an attestor that none of them satisfied. */
export interface Tried {
  readonly children: readonly Trace[];
  /** What logs were to be asked about them, and were not yet. */
  readonly needsLog: readonly LogQuestion[];
}

/** Gaps that follow from the evidence's bytes or number are reasons to fail, the others reasons not to know. */
const failing: readonly (Code | "pending")[] = ["malformed", "tooLarge", "tooMany"];

/**
 * Failure or "could not tell": it is an error where something is missing that could have satisfied the attestor: a
 * shelf, the trust root, the manifest, a log's answer, or a check of ours that broke.
 */
export function unsatisfied(
  { children: candidates, needsLog }: Tried,
  gaps: readonly EvidenceGap[],
  fallback: Pick<Unsatisfied, "code" | "message">,
): Unsatisfied {
  const pending = gaps.find(({ code }) => code === "pending");
  const trustless = candidates.find(({ code }) => code === "trustUnavailable");
  const manifestless = candidates.find(({ code }) => code === "manifestUnavailable");
  const needs: Needs = {
    needsTrust: trustless !== undefined,
    needsEvidence: pending !== undefined,
    needsManifest: manifestless !== undefined,
    needsLog,
  };
  const error = (code: Code, message: string): Unsatisfied => ({ outcome: "error", code, message, ...needs });
  if (pending !== undefined) return error("unavailable", `not asked yet: ${pending.message}`);
  if (trustless !== undefined) return error("trustUnavailable", trustless.message);
  if (manifestless !== undefined) return error("manifestUnavailable", manifestless.message);
  const missing = gaps.find(({ code }) => !failing.includes(code));
  if (missing !== undefined && missing.code !== "pending") return error(missing.code, missing.message);
  const undecided = candidates.find(({ outcome }) => outcome === "error");
  if (undecided !== undefined) return error(undecided.code, undecided.message);
  const [gap] = gaps;
  const reason =
    gap === undefined || gap.code === "pending" ? fallback : { code: gap.code, message: gap.message };
  return { outcome: "fail", ...reason, ...needs };
}

/** What may hold further signers beside those who satisfied an attestor: what could not be had of its evidence. */
export function furtherSigners(
  tried: Tried,
  gaps: readonly EvidenceGap[],
): Pick<Judgement<unknown>, "furtherSigners"> {
  const reason = unsatisfied(tried, gaps, { code: "notSigned", message: "no further signers" });
  return reason.outcome === "error" ? { furtherSigners: reason } : {};
}
