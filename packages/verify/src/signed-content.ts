import { hash as hashBytes, type KeyObject, verify } from "node:crypto";
import { dsse } from "@sigstore/core";
import { digestOf } from "./digest-memo.ts";
import type { HashName } from "./public-key.ts";
import { refuse } from "./refusal.ts";

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
  | {
      readonly kind: "message";
      /** What the bundle says of the artifact: compared, never relied on. */
      readonly digest: Buffer;
      readonly algorithm: string;
      /** The artifact, where the caller has it. An image's evidence never has. */
      readonly artifact?: Artifact;
    };

/** An artifact, or only its SHA-256 with a way to verify signatures over that. */
export type Artifact =
  | { readonly bytes: Buffer }
  | {
      readonly sha256: Buffer;
      readonly verifyPrehashed: (key: KeyObject, digest: Buffer, signature: Buffer) => boolean;
    };

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
  content: SignedContent,
  signature: Buffer,
  by: { readonly key: KeyObject; readonly hashes: readonly HashName[] },
): CheckedSignature | undefined {
  switch (content.kind) {
    case "simpleSigning":
      return checkBytes(content.payload, signature, by);
    case "dsse":
      return checkBytes(preAuthEncoding(content), signature, by);
    case "message":
      return checkMessage(content, signature, by);
  }
}

function preAuthEncoding({ payloadType, payload }: Extract<SignedContent, { kind: "dsse" }>): Buffer {
  return dsse.preAuthEncoding(payloadType, payload);
}

/** The bytes under the signature, where they are at hand. */
export function signedBytes(content: SignedContent): Buffer | undefined {
  if (content.kind === "simpleSigning") return content.payload;
  if (content.kind === "dsse") return preAuthEncoding(content);
  return content.artifact && "bytes" in content.artifact ? content.artifact.bytes : undefined;
}

type By = Parameters<typeof checkSignature>[2];

function checkBytes(bytes: Buffer, signature: Buffer, by: By): CheckedSignature | undefined {
  const pure = by.key.asymmetricKeyType === "ed25519";
  const hash = pure
    ? verifies(null, bytes, by.key, signature) && "none"
    : by.hashes.find((name) => verifies(name, bytes, by.key, signature));
  if (!hash) return undefined;
  return { hash, signedDigest: digestOf(bytes) };
}

function checkMessage(
  { artifact, digest }: Extract<SignedContent, { kind: "message" }>,
  signature: Buffer,
  by: By,
): CheckedSignature | undefined {
  // guard: message-signature
  if (artifact === undefined)
    return refuse(
      "claimMismatch",
      "what was signed is not at hand: a message signature makes no claim about an image by itself",
    );
  const sha256 = "bytes" in artifact ? hashBytes("sha256", artifact.bytes, "buffer") : artifact.sha256;
  // guard: message-digest
  if (digest.length === sha256.length && !digest.equals(sha256)) {
    refuse("claimMismatch", "the bundle is about another artifact", {
      expected: sha256.toString("hex"),
      received: digest.toString("hex"),
    });
  }
  if ("bytes" in artifact) return checkBytes(artifact.bytes, signature, by);
  const holds = by.hashes.includes("sha256") && artifact.verifyPrehashed(by.key, sha256, signature);
  // guard: signature-prehashed
  if (!holds) return undefined;
  return { hash: "sha256", signedDigest: (algorithm) => (algorithm === "sha256" ? sha256 : undefined) };
}

function verifies(hash: HashName | null, bytes: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    // guard: signature
    if (!verify(hash, bytes, key, signature)) return false;
    return true;
  } catch {
    return false;
  }
}
