export type { Candidate, Evidence, EvidenceGap, Origin, Shelf } from "./evidence.ts";
export type {
  AttestationJudgement,
  KernelInput,
  Needs,
  ResolvedSet,
  SignatureJudgement,
  SignerFacts,
  StatementCheck,
  UnavailableAttestor,
  VerifiedAttestation,
  VerifiedSignature,
} from "./kernel.ts";
export { type KernelMemory, kernelMemory } from "./kernel-memory.ts";
export type { LogAnswer, LogFailureCode, LogLookup, LogQuestion } from "./log-lookup.ts";
export { parseTrustRoot } from "./parse-trust-root.ts";
export { predicateTypeOf } from "./predicate-types.ts";
export { prepareAttestors } from "./prepare-attestors.ts";
export type { PreparedAttestor, PreparedSet, PreparedSets } from "./prepared.ts";
export type { MissingManifest } from "./refusal.ts";
export type { TrustRoot } from "./trust-root.ts";
export { verifyAttestations } from "./verify-attestations.ts";
export { VerifyError, type VerifyErrorCode } from "./verify-error.ts";
export { verifySignatures } from "./verify-signatures.ts";
