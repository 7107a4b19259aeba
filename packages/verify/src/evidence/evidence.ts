import type { Digest } from "@assay/image";
import type { Code } from "@assay/policy";

/** How a candidate was found. `given` is evidence that the caller handed in. */
export type Shelf = "signatureTag" | "attestationTag" | "referrers" | "referrersTag" | "given";

/** Where a candidate came from, for the trace only. Nothing here is trusted. */
export interface Origin {
  readonly shelf: Shelf;
  readonly repository: string;
  /** Digest of the manifest that names the layer, and of the layer; both computed from the bytes that were read. */
  readonly manifest?: Digest;
  readonly layer?: Digest;
}

/**
 * Unverified bytes. An attacker with write access to the registry controls every one of them.
 * `legacy`: one layer of a cosign `.sig` / `.att` image (or of its OCI 1.1 form); `bundle`: a Sigstore bundle.
 */
export type Candidate =
  | {
      readonly kind: "legacy";
      readonly holds: "signature" | "attestation";
      readonly payload: Uint8Array;
      /** Annotations of the layer's descriptor. */
      readonly annotations: Readonly<Record<string, string>>;
      readonly origin: Origin;
    }
  | { readonly kind: "bundle"; readonly bytes: Uint8Array; readonly origin: Origin }
  // Something hangs on the image, but its bytes break a rule (size, digest, count, form): a reason to fail, not to retry.
  | {
      readonly kind: "unreadable";
      readonly code: Extract<Code, "malformed" | "tooLarge" | "tooMany">;
      readonly message: string;
      readonly origin: Origin;
    };

/** A shelf that could not be read (or was not asked yet: `pending`). */
export interface EvidenceGap {
  readonly shelf: Shelf;
  readonly code: Code | "pending";
  readonly message: string;
}

/**
 * Everything found for one digest.
 * INVARIANT: every candidate's bytes hash to the digest that named them; whether they speak about `digest` is
 * for the kernel to decide.
 */
export interface Evidence {
  readonly digest: Digest;
  readonly candidates: readonly Candidate[];
  /** With gaps, "one signature suffices" may still pass; "no signature" and "all attestations hold" may not. */
  readonly gaps: readonly EvidenceGap[];
}
