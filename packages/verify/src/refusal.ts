import type { Code, Trace } from "@assay/policy";

/** What may be wrong with one piece of foreign evidence. */
export type RefusalCode = Extract<
  Code,
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
  | "malformed"
  | "tooLarge"
  | "tooMany"
  | "trustUnavailable"
  | "imageNotFound"
  | "manifestUnavailable"
  | "unauthorized"
  | "rateLimited"
  | "unavailable"
  | "timeout"
>;

/** Why the image's manifest is not at hand: all but the last are reasons to fail. */
export interface MissingManifest {
  readonly code: Extract<
    RefusalCode,
    "imageNotFound" | "malformed" | "tooLarge" | "tooMany" | "manifestUnavailable"
  >;
  readonly message: string;
}

/** What could not be had, or is our own mistake: nobody knows what would have come of it. */
const undecided: readonly (RefusalCode | "internal")[] = [
  "trustUnavailable",
  "manifestUnavailable",
  "unauthorized",
  "rateLimited",
  "unavailable",
  "timeout",
  "internal",
];

/** Whether a refusal is a reason to fail, or a reason not to know. */
export function outcomeOf(code: RefusalCode | "internal"): "fail" | "error" {
  return undecided.includes(code) ? "error" : "fail";
}

export interface RefusalDetails {
  readonly expected?: unknown;
  readonly received?: unknown;
}

/**
 * The first failing check of one candidate signature, thrown so that a check that is left early cannot be mistaken for one
 * that passed. It never leaves the kernel: `judgeCandidate` and `verifyBundle` make it a trace node, and what reads a
 * policy or trust root makes it a `VerifyError`. Between them it is caught only to be kept as a value (a candidate that
 * cannot be read, a remembered proof), or where something else may do instead (another timestamp, another certificate).
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Leaves the candidate as refused. */
export function refuse(code: RefusalCode, message: string, details?: RefusalDetails): never {
  throw new Refusal(code, message, details);
}

/**
 * A refusal in the words of a trace. Foreign bytes never throw further than where this is called. What is no `Refusal` is
 * a bug of ours: it allows nothing either.
 */
export function reasonOf(
  error: unknown,
): { readonly code: RefusalCode | "internal"; readonly message: string } & Pick<
  Trace,
  "expected" | "received"
> {
  if (error instanceof Refusal) return { code: error.code, message: error.message, ...error.details };
  const reason = error instanceof Error ? error.message : "unknown";
  return { code: "internal", message: `unexpected failure: ${reason}` };
}

/** Foreign text for a message: short, one line, printable. */
export function shown(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[^\x20-\x7e\u00a1-\ud7ff\u2026]|`/g, "?");
}
