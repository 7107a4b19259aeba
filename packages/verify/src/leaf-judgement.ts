import type { Code, Outcome, Trace } from "@assay/policy";
import type { Signer } from "./distinct-signers.ts";
import type { EvidenceGap } from "./evidence.ts";

/** What one attestor's evidence came to. */
export interface LeafJudgement<Verified> {
  readonly trace: Trace;
  /** Everybody who satisfied it; empty unless it passed. */
  readonly signers: readonly Signer[];
  readonly verified: readonly Verified[];
  readonly needsTrust: boolean;
  readonly needsEvidence: boolean;
}

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
export interface Unsatisfied {
  readonly outcome: Extract<Outcome, "fail" | "error">;
  readonly code: Code;
  readonly message: string;
  readonly needsTrust: boolean;
  readonly needsEvidence: boolean;
}

/** Gaps that follow from the evidence's bytes or number are reasons to fail, the others reasons not to know. */
const failing: readonly (Code | "pending")[] = ["malformed", "tooLarge", "tooMany"];

/**
 * Failure or "could not tell": it is an error where something is missing that could have satisfied the attestor: a
 * shelf, the trust root, or a check of ours that broke.
 */
export function unsatisfied(
  candidates: readonly Trace[],
  gaps: readonly EvidenceGap[],
  fallback: Pick<Unsatisfied, "code" | "message">,
): Unsatisfied {
  const needsEvidence = gaps.some(({ code }) => code === "pending");
  const needsTrust = candidates.some(({ code }) => code === "trustUnavailable");
  const error = (code: Code, message: string): Unsatisfied => ({
    outcome: "error",
    code,
    message,
    needsTrust,
    needsEvidence,
  });
  const pending = gaps.find(({ code }) => code === "pending");
  if (pending !== undefined) return error("unavailable", `not asked yet: ${pending.message}`);
  const trustless = candidates.find(({ code }) => code === "trustUnavailable");
  if (trustless !== undefined) return error("trustUnavailable", trustless.message);
  const missing = gaps.find(({ code }) => !failing.includes(code));
  if (missing !== undefined && missing.code !== "pending") return error(missing.code, missing.message);
  const broken = candidates.find(({ code }) => code === "internal");
  if (broken !== undefined) return error("internal", broken.message);
  const [gap] = gaps;
  const reason =
    gap === undefined || gap.code === "pending" ? fallback : { code: gap.code, message: gap.message };
  return { outcome: "fail", ...reason, needsTrust, needsEvidence };
}
