export type { Candidate, Evidence, EvidenceGap, Origin, Shelf } from "./evidence.ts";
export type {
  AttestationJudgement,
  KernelInput,
  PreparedAttestor,
  PreparedSet,
  PreparedSets,
  ResolvedSet,
  SignatureJudgement,
  SignerFacts,
  StatementCheck,
  UnavailableAttestor,
  VerifiedAttestation,
  VerifiedSignature,
} from "./kernel.ts";
export type { TrustRoot } from "./trust-root.ts";
