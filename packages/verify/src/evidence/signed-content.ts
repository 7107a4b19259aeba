import { type KeyObject, verify } from "node:crypto";
import { dsse } from "@sigstore/core";
import { type DigestOf, digestOf } from "../digest-memo.ts";
import { type MissingManifest, refuse } from "../refusal.ts";
import { type HashName, hashByProtoName, lookUp } from "../signer/algorithms.ts";

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
      /** What was signed: a bundle does not hold it. */
      readonly artifact: Artifact;
    };

/** An artifact, or only its SHA-256 with a way to verify signatures over that, or why it is not at hand. */
export type Artifact =
  | { readonly bytes: Buffer; readonly digestOf: DigestOf }
  | { readonly missing: MissingManifest; readonly sha256?: Buffer }
  | {
      readonly sha256: Buffer;
      readonly verifyPrehashed: (key: KeyObject, digest: Buffer, signature: Buffer) => boolean;
    };

/** What stands for the artifact until somebody hands it in. */
export const notAtHand: MissingManifest = {
  code: "manifestUnavailable",
  message: "the image's manifest, which the bundle signs, was not read",
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
  return "bytes" in content.artifact ? content.artifact.bytes : undefined;
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

/** For bundles with SHA-224, which has no name in them, and for those that name no hash at all. */
const hashOfLength: ReadonlyMap<number, HashName> = new Map([
  [28, "sha224"],
  [32, "sha256"],
  [48, "sha384"],
  [64, "sha512"],
]);

/** Empty where there is no such hash; undefined where it cannot be told: who has one digest knows no other. */
function digestOfArtifact(artifact: Artifact, hash: HashName | undefined): Buffer | undefined {
  if (hash === undefined) return Buffer.alloc(0);
  if ("bytes" in artifact) return artifact.digestOf(hash);
  return hash === "sha256" ? artifact.sha256 : undefined;
}

function checkMessage(
  { artifact, digest, algorithm }: Extract<SignedContent, { kind: "message" }>,
  signature: Buffer,
  by: By,
): CheckedSignature | undefined {
  const expected = digestOfArtifact(
    artifact,
    lookUp(hashByProtoName, algorithm) ?? hashOfLength.get(digest.length),
  );
  // guard: message-digest
  if (expected !== undefined && !digest.equals(expected)) {
    refuse("claimMismatch", "the bundle is about another artifact", {
      expected: expected.toString("hex"),
      received: digest.toString("hex"),
    });
  }
  // guard: message-signature
  if ("missing" in artifact) return refuse(artifact.missing.code, artifact.missing.message);
  if ("bytes" in artifact) return checkBytes(artifact.bytes, signature, by);
  const { sha256 } = artifact;
  const holds = by.hashes.includes("sha256") && artifact.verifyPrehashed(by.key, sha256, signature);
  // guard: signature-prehashed
  if (!holds) return undefined;
  return { hash: "sha256", signedDigest: (name) => (name === "sha256" ? sha256 : undefined) };
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
