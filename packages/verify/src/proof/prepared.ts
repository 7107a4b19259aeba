import type { Code, Place } from "@assay/policy";
import type { CandidateReader } from "../evidence/evidence-candidates.ts";
import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import type { FactCache } from "../fact-cache.ts";
import type { TransparencyLog } from "../log/transparency-log.ts";
import type { HashName } from "../signer/algorithms.ts";
import type { Certificate } from "../signer/certificate.ts";
import type { CertificatePool } from "../signer/certificate-chain.ts";
import type { IdentityMatcher } from "../signer/identity.ts";
import type { PublicKey } from "../signer/public-key.ts";
import type { CtLog } from "../signer/sct.ts";
import type { TimestampAuthority } from "../time/timestamp-authority.ts";
import type { RememberedProof } from "./proven-signature.ts";

/**
 * What the policy asks, with variables substituted and keys fetched. Made only by `prepareAttestors`, which parses
 * every PEM, regexp and count once: nothing deeper checks again.
 */
export interface PreparedSets {
  readonly sets: readonly PreparedSet[];
  /** True where some entry may need keys of logs, CT logs, certificate or timestamp authorities that the policy does not give. */
  readonly mayNeedTrust: boolean;
  /** Where evidence has to be looked for: every entry's repository, nested ones too. Undefined: the image's own. */
  readonly repositories: readonly (string | undefined)[];
  /** Paths of entries whose signatures can never have a verified time: `quantifier: latest` cannot be asked of them. */
  readonly timeless: readonly string[];
  /** Remembers candidates that were read: several attestors, attestations and rules look at the same ones. */
  readonly reader: CandidateReader;
}

export interface PreparedSet extends Place {
  readonly kind: "set";
  /** How many entries must hold. */
  readonly count: number;
  /** True where the policy wrote the count: then entries must hold by distinct signers. */
  readonly isThreshold: boolean;
  readonly entries: readonly PreparedAttestor[];
}

export type PreparedAttestor = PreparedSet | PreparedSigner | PreparedUnavailable;

/** An attestor whose key could not be had. */
export interface PreparedUnavailable extends Place {
  readonly kind: "unavailable";
  readonly code: Code;
  readonly message: string;
  readonly repository?: string;
}

/** One signer that the policy names, with everything that a signature by it must bring. */
export interface PreparedSigner extends Place, SignerDemand {
  readonly kind: "signer";
  readonly repository?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What a signature is proven by, and the proofs so far: equal attestors have one between them. */
export interface SignerDemand {
  readonly signer: SignerRule;
  /** `trust`: by the trust root's logs. */
  readonly log: "ignore" | "trust" | readonly TransparencyLog[];
  /** `rekor.url`: where a missing entry is looked for. Undefined: at the logs that are trusted. */
  readonly logUrl?: string;
  readonly ctLog: "ignore" | "trust" | readonly CtLog[];
  /** Undefined: the trust root's, where it is at hand or needed. */
  readonly timestampAuthority: TimestampAuthority | undefined;
  readonly cache: FactCache;
  /** By the order of checks, on which the reason of a refusal depends. Forgets what nobody holds any more. */
  readonly proofs: Readonly<Record<"first" | "last", WeakMap<EvidenceSignature, RememberedProof>>>;
}

/** The policy names the very key or certificate: that is one signer, however often it signed. */
export function isPinned({ signer }: SignerDemand): boolean {
  return signer.kind === "key" || signer.kind === "certificate";
}

/** An authority must have issued the certificate, and so a CT log is to promise to show it. */
export function mustBeIssued({ signer }: SignerDemand): boolean {
  return signer.kind !== "key" && signer.pool !== undefined;
}

/** Who must have signed. */
export type SignerRule =
  | { readonly kind: "key"; readonly key: PublicKey; readonly hashes: readonly HashName[] }
  /** A certificate of one's own authority, pinned by the policy: its key counts. */
  | {
      readonly kind: "certificate";
      readonly certificate: Certificate;
      readonly hashes: readonly HashName[];
      /** The authority that was shown to have issued it, where the policy gives one. */
      readonly pool?: CertificatePool;
    }
  /** Whatever certificate the authority issued for code signing. */
  | { readonly kind: "authority"; readonly pool: CertificatePool }
  | {
      readonly kind: "keyless";
      readonly identity: IdentityMatcher;
      readonly pool: CertificatePool | "trust";
    };
