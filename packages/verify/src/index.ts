export { prepareAttestors } from "./attestor/prepare-attestors.ts";
export type { Candidate, Evidence, EvidenceGap, Origin, Shelf } from "./evidence/evidence.ts";
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
export type { LogAnswer, LogFailureCode, LogLookup, LogQuestion } from "./log/log-lookup.ts";
export { predicateTypeOf } from "./predicate-types.ts";
export type { PreparedAttestor, PreparedSet, PreparedSets } from "./proof/prepared.ts";
export type { MissingManifest } from "./refusal.ts";
export { parseTrustRoot } from "./trust/parse-trust-root.ts";
export type { TrustRoot } from "./trust/trust-root.ts";
export { verifyAttestations } from "./verify-attestations.ts";
export { VerifyError, type VerifyErrorCode } from "./verify-error.ts";
export { verifySignatures } from "./verify-signatures.ts";
