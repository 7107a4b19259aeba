import type { TransparencyLogEntry } from "@sigstore/bundle";
import type { Origin } from "./evidence.ts";
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
  readonly logEntries: readonly TransparencyLogEntry[];
  /** RFC 3161 responses or tokens, DER. */
  readonly timestamps: readonly Buffer[];
}

/** The most log entries, timestamps and certificates that one signature may bring (sigstore-go internal/limits). */
export const maxCompanions = 32;
