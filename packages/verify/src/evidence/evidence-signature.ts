import { refuse } from "../refusal.ts";
import { type Certificate, parseCertificate } from "../signer/certificate.ts";
import type { Origin } from "./evidence.ts";
import type { LogEntry } from "./log-entry.ts";
import type { SignedContent } from "./signed-content.ts";

/**
 * One signature with everything that came along, in one form for all formats. Nothing in it is verified: reading only
 * proves that the bytes have the form they claim.
 */
export interface EvidenceSignature {
  readonly origin: Origin;
  readonly format: "legacy" | "bundle";
  readonly content: SignedContent;
  readonly signature: Buffer;
  /** DER, leaf first. Empty for signatures by a key. The others serve as intermediates, never as anchors. */
  readonly certificates: readonly Buffer[];
  /** What the bundle says which key signed: a help for words, proves nothing. */
  readonly keyHint?: string;
  /** The leaf, read once. */
  readonly leaf: Certificate | undefined;
  readonly logEntries: readonly LogEntry[];
  /** RFC 3161 responses or tokens, DER. */
  readonly timestamps: readonly Buffer[];
}

/** The most log entries, timestamps and certificates that one signature may bring (sigstore-go internal/limits). */
const maxCompanions = 32;

/** Refuses more companions than any honest signature has, before anything is computed over them; reads the leaf. */
export function completeSignature(
  signature: Omit<EvidenceSignature, "leaf">,
  readCertificate: CertificateReader,
): EvidenceSignature {
  const { logEntries, timestamps, certificates } = signature;
  // guard: companions
  if (Math.max(logEntries.length, timestamps.length, certificates.length) > maxCompanions) {
    refuse(
      "tooMany",
      `signature comes with more than ${maxCompanions} log entries, timestamps or certificates`,
    );
  }
  const [der] = certificates;
  return { ...signature, leaf: der === undefined ? undefined : readCertificate(der) };
}

/** Reads a certificate, or remembers it. */
export type CertificateReader = (der: Buffer) => Certificate;

/** DER of all that are remembered: hundreds of Fulcio's. Bytes, since who signs chooses how large they are, up to 64 KiB. */
const maxRememberedBytes = 256 * 1024;

/** Reads each certificate once, known by its bytes: one certificate signs all that a build makes. */
export function certificateReader(): CertificateReader {
  const known = new Map<string, Certificate>();
  let bytes = 0;
  return (der) => {
    const key = der.toString("latin1");
    const found = known.get(key);
    if (found !== undefined) return found;
    const certificate = parseCertificate(der);
    if (bytes + der.length > maxRememberedBytes) {
      known.clear();
      bytes = 0;
    }
    known.set(key, certificate);
    bytes += der.length;
    return certificate;
  };
}
