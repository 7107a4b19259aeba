import { createHash, type KeyObject, verify } from "node:crypto";
import { dsse } from "@sigstore/core";
import type { HashName } from "./public-key.ts";

/** What a signature was made over. The bytes are those that were read; nothing is serialised again. */
export type SignedContent =
  | { readonly kind: "simpleSigning"; readonly payload: Buffer }
  | {
      readonly kind: "dsse";
      readonly payloadType: string;
      readonly payload: Buffer;
      /** The envelope as stored, where it was stored as such (a layer of a `.att` image). */
      readonly envelope?: Buffer;
    }
  | { readonly kind: "message"; readonly digest: Buffer; readonly algorithm: string };

/** The exact bytes under the signature. A message signature's bytes are not in its bundle. */
export function signedBytes(content: SignedContent): Buffer | undefined {
  switch (content.kind) {
    case "simpleSigning":
      return content.payload;
    case "dsse":
      return dsse.preAuthEncoding(content.payloadType, content.payload);
    case "message":
      return undefined;
  }
}

/** A signature that verified. */
export interface CheckedSignature {
  /** The hash that it turned out to be made with; Ed25519 signs the bytes themselves. */
  readonly hash: HashName | "none";
  /** Digest of the signed bytes. */
  readonly signedDigest: (algorithm: string) => Buffer | undefined;
}

/**
 * Verifies the signature with the first fitting hash. The choice of hashes comes from the policy or the key, never from
 * the evidence. Undefined: the signature is not by this key over these bytes.
 */
export function checkSignature(
  bytes: Buffer,
  signature: Buffer,
  by: { readonly key: KeyObject; readonly hashes: readonly HashName[] },
): CheckedSignature | undefined {
  const pure = by.key.asymmetricKeyType === "ed25519";
  const hash = pure
    ? verifies(null, bytes, by.key, signature) && "none"
    : by.hashes.find((name) => verifies(name, bytes, by.key, signature));
  if (!hash) return undefined;
  return { hash, signedDigest: (algorithm) => createHash(algorithm).update(bytes).digest() };
}

function verifies(hash: HashName | null, bytes: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(hash, bytes, key, signature);
  } catch {
    return false;
  }
}
