import type { Digest } from "@assay/image";
import type { Attestor, AttestorSet, Code, Json, JsonObject, Place, Trace } from "@assay/policy";
import type { Evidence, Origin } from "./evidence/evidence.ts";
import type { LogLookup, LogQuestion } from "./log/log-lookup.ts";
import type { MissingManifest } from "./refusal.ts";
import type { TrustRoot } from "./trust/trust-root.ts";

/**
 * An attestor whose key could not be had (a KMS or Secret that did not answer): it judges `error` with this code, so
 * that a set which needs fewer entries can still pass.
 */
export interface UnavailableAttestor extends Place {
  readonly kind: "unavailable";
  readonly code: Code;
  readonly message: string;
}

/** What every judgement needs beside the question. No clock, network or file is read: `now` is a value. */
export interface KernelInput {
  readonly digest: Digest;
  /** Evidence for an attestor's repository (undefined: the image's own). */
  readonly evidence: (repository: string | undefined) => Evidence;
  /** Undefined: not loaded. A candidate that needs it then judges `error` `trustUnavailable`. */
  readonly trust?: TrustRoot;
  readonly now: Date;
  /** `type:` of the image verification; absent: every format counts. */
  readonly format?: "Cosign" | "SigstoreBundle";
  /** Which signed statements about the digest count as an image signature. Default: cosign's sign/v1 only. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  /**
   * The image's manifest, or why it could not be had, for bundles that sign it and make no statement. Undefined: not
   * asked for. Without it such a bundle proves nothing; what is handed in is hashed before it counts.
   */
  readonly manifest?: Uint8Array | MissingManifest;
  /** Answers of logs to questions about signatures that came without an entry. Absent: logs are not to be asked. */
  readonly logLookup?: LogLookup;
}

/** A set as prepared from the policy, whose keys have been fetched. */
export interface ResolvedSet extends Omit<AttestorSet, "entries"> {
  readonly entries: readonly (Attestor | UnavailableAttestor)[];
}

/** A signature that satisfied one attestor whole. Exists only where the kernel verified it. */
export interface VerifiedSignature {
  readonly attestor: string;
  readonly signer: SignerFacts;
  /** Signed annotations. */
  readonly annotations: JsonObject;
  readonly origin: Origin;
  /** True where the trust root vouches for any part of the proof: with another one the signature may not hold. */
  readonly restsOnTrustRoot: boolean;
}

/** A statement whose signature, subject and type were verified. The predicate is reachable nowhere else. */
export interface VerifiedAttestation {
  readonly attestor: string;
  readonly signer: SignerFacts;
  readonly statementType: string;
  readonly predicateType: string;
  readonly subject: readonly JsonObject[];
  /** As signed; parsed on first use. An object, or (cosign `--type spdx`) a string. */
  readonly predicate: Json;
  readonly origin: Origin;
}

/** What is proven about who signed, and when. */
export interface SignerFacts {
  readonly kind: "key" | "certificate" | "keyless";
  /** `sha256:` of the SPKI. */
  readonly keyId: string;
  readonly subject?: string;
  readonly issuer?: string;
  /** Fulcio extensions by Kyverno's names and by OID. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Times that a log or a timestamp authority vouches for; never claimed ones. */
  readonly verifiedTimes: readonly { readonly from: "log" | "timestampAuthority"; readonly time: string }[];
  readonly logIndex?: string;
}

/** What was not at hand and could change the outcome. Nothing is needed where the outcome is certain. */
export interface Needs {
  /** True where `trust` was absent. */
  readonly needsTrust: boolean;
  /** True where shelves are marked `pending`. */
  readonly needsEvidence: boolean;
  /** True where `manifest` was absent. */
  readonly needsManifest: boolean;
  /** Questions that `logLookup` answered with `pending`. */
  readonly needsLog: readonly LogQuestion[];
}

export interface SignatureJudgement extends Needs {
  /** Its outcome is the judgement; children are the sets, entries and candidate signatures. */
  readonly trace: Trace;
  readonly verified: readonly VerifiedSignature[];
}

export interface AttestationJudgement extends Needs {
  readonly trace: Trace;
  readonly verified: readonly VerifiedAttestation[];
}

/** Do the conditions hold for this statement? Given by the engine; called only with verified statements. */
export type StatementCheck = (attestation: VerifiedAttestation) => Trace;
