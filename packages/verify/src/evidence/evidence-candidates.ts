import { bufferOf } from "../encoding/buffer-of.ts";
import type { KernelInput } from "../kernel.ts";
import { Refusal, type RefusalCode, reasonOf } from "../refusal.ts";
import { checkPayloadType, parseDsseStatement } from "./bundle-statement.ts";
import type { Candidate, Evidence, EvidenceGap, Origin, Shelf } from "./evidence.ts";
import { type CertificateReader, certificateReader, type EvidenceSignature } from "./evidence-signature.ts";
import type { InTotoStatement } from "./in-toto-statement.ts";
import { parseLegacyLayer } from "./legacy-layer.ts";
import { parseSigstoreBundle } from "./sigstore-bundle.ts";

/** A candidate after reading: a signature, or the reason why there is none. */
export type ReadCandidate = ReadSignature | RefusedCandidate;

/** A candidate that has the form of a signature. */
export interface ReadSignature {
  readonly kind: "signature";
  readonly origin: Origin;
  readonly signature: EvidenceSignature;
  /** What the envelope says, as yet unproven: decides only what the candidate is a candidate for. */
  readonly statement: InTotoStatement | undefined;
  /** Why the envelope's payload is no statement, though its signature may be genuine. */
  readonly problem: Refusal | undefined;
}

/** A candidate whose bytes break a rule before anything in them is checked. */
export interface RefusedCandidate {
  readonly kind: "refused";
  /** The source could not read it whole, so that nobody knows what it says. */
  readonly unread: boolean;
  readonly origin: Origin;
  readonly code: RefusalCode | "internal";
  readonly message: string;
}

/** Reads each candidate once, however many look at it. */
export interface CandidateReader {
  readonly read: (candidate: Candidate) => ReadCandidate;
}

/** A reader that remembers by the candidate object itself; it forgets what nobody holds any more. */
export function candidateReader(): CandidateReader {
  const known = new WeakMap<Candidate, ReadCandidate>();
  const certificates = certificateReader();
  return {
    read: (candidate) => {
      const found = known.get(candidate) ?? readCandidate(candidate, certificates);
      known.set(candidate, found);
      return found;
    },
  };
}

function readCandidate(candidate: Candidate, readCertificate: CertificateReader): ReadCandidate {
  const { origin } = candidate;
  if (candidate.kind === "unreadable")
    return { kind: "refused", unread: true, origin, code: candidate.code, message: candidate.message };
  try {
    const signature =
      candidate.kind === "legacy"
        ? parseLegacyLayer(candidate, readCertificate)
        : parseSigstoreBundle(bufferOf(candidate.bytes), origin, readCertificate);
    return { kind: "signature", origin, signature, ...readStatement(signature) };
  } catch (error) {
    return { kind: "refused", unread: false, origin, ...reasonOf(error) };
  }
}

function readStatement({ content }: EvidenceSignature): Pick<ReadSignature, "statement" | "problem"> {
  checkPayloadType(content);
  try {
    return { statement: parseDsseStatement(content), problem: undefined };
  } catch (error) {
    if (error instanceof Refusal) return { statement: undefined, problem: error };
    throw error;
  }
}

const shelves: Readonly<Record<"signature" | "attestation", readonly Shelf[]>> = {
  signature: ["signatureTag", "referrers", "referrersTag", "given"],
  attestation: ["attestationTag", "referrers", "referrersTag", "given"],
};

/** Gaps that could hide what is looked for. */
export function relevantGaps(
  { gaps }: Evidence,
  wanted: "signature" | "attestation",
  format: KernelInput["format"],
): readonly EvidenceGap[] {
  const onlyBundles = format === "SigstoreBundle";
  return gaps.filter(
    ({ shelf }) =>
      shelves[wanted].includes(shelf) &&
      !(onlyBundles && (shelf === "signatureTag" || shelf === "attestationTag")),
  );
}

/** Could the candidate be what is looked for, and is it of the format that the policy asks for? */
export function isWanted(
  candidate: Candidate,
  wanted: "signature" | "attestation",
  format: KernelInput["format"],
): boolean {
  if (candidate.kind === "unreadable") return shelves[wanted].includes(candidate.origin.shelf);
  // second line: candidate-kind
  if (candidate.kind === "legacy" && candidate.holds !== wanted) return false;
  return format === undefined || candidate.kind === (format === "Cosign" ? "legacy" : "bundle");
}
