import type { SourcePosition } from "./yaml/source-position.ts";

/**
 * What came of one step. `error` is "could not tell": the registry, a trust root or a context entry could not be
 * had. It is never reported as `fail`, and never allows.
 */
export type Outcome = "pass" | "fail" | "error" | "skip";

/** Why a step came out as it did. Closed: `docs/codes.md` explains each one and what to do. */
export type Code =
  | "ok"
  // fail: follows from the evidence's bytes, or from their number
  | "notSigned"
  | "untrustedSigner"
  | "badSignature"
  | "claimMismatch"
  | "annotationMismatch"
  | "identityMismatch"
  | "logMissing"
  | "logMismatch"
  | "noTrustedTime"
  | "expiredCertificate"
  | "predicateTypeMissing"
  | "conditionFalse"
  | "conditionUnresolved"
  | "denied"
  | "notEnoughAttestors"
  | "imageNotFound"
  | "badImageReference"
  | "digestRequired"
  | "unverifiedImage"
  | "malformed"
  | "tooLarge"
  | "tooMany"
  // error: could not be had
  | "unauthorized"
  | "rateLimited"
  | "unavailable"
  | "timeout"
  | "digestMismatch"
  | "otherImageRuns"
  | "trustUnavailable"
  | "manifestUnavailable"
  | "contextUnavailable"
  | "keyUnavailable"
  | "invalidPolicy"
  | "internal"
  // skip
  | "notMatched"
  | "skippedImage"
  | "preconditionsNotMet"
  | "excepted"
  | "noImages"
  | "notEvaluated";

/** What a trace node is about. */
export type Step =
  | "policy"
  | "rule"
  | "preconditions"
  | "context"
  | "image"
  | "digest"
  | "attestors"
  | "attestorSet"
  | "attestor"
  | "signature"
  | "attestation"
  | "statement"
  | "conditions"
  | "condition"
  | "deny"
  | "lookup"
  | "check";

/** A fact that was *verified* (or the plain name of an unverified candidate), for people and for audits. */
export type Fact = string | number | boolean | readonly string[];

/** One step of the evaluation with its reasons. Passes are kept too: an auditor asks why something was let in. */
export interface Trace {
  readonly step: Step;
  /** Field path inside the policy, e.g. `spec.rules[0].verifyImages[0].attestors[0].entries[1].keys`. */
  readonly path: string;
  readonly source?: SourcePosition;
  readonly outcome: Outcome;
  readonly code: Code;
  /** Lower case, no final full stop, input in backticks. */
  readonly message: string;
  readonly expected?: unknown;
  readonly received?: unknown;
  /** Evidence digests, signer, log index, times: whatever helps to find the thing again. */
  readonly facts?: Readonly<Record<string, Fact>>;
  readonly children: readonly Trace[];
}
