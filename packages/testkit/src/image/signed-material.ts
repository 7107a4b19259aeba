import type { Signer } from "../sigstore/signer.ts";
import type { LogEntry } from "../sigstore/transparency-log.ts";
import type { SignOptions } from "./sign-options.ts";

/** A signature and everything that vouches for it, before it takes a stored form. */
export interface SignedMaterial {
  readonly signer: Signer;
  readonly options: SignOptions;
  readonly holds: "signature" | "attestation";
  readonly signature: Uint8Array;
  /** What was signed: a claim or the image manifest; for DSSE the payload. */
  readonly payload: Uint8Array;
  readonly envelope?: { readonly payloadType: string; readonly bytes: Uint8Array };
  readonly entries: readonly LogEntry[];
  readonly timestamps: readonly Uint8Array[];
}
