import { type KeyObject, verify } from "node:crypto";
import type { Digest } from "@assay/image";
import { derChildren, derTag, readDer } from "../encoding/der.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { PublicKey } from "../signer/public-key.ts";
import { parseDsseStatement } from "./bundle-statement.ts";
import type { EvidenceSignature } from "./evidence-signature.ts";
import { checkStatementSubject } from "./in-toto-statement.ts";
import { signedBytes } from "./signed-content.ts";
import { checkSimpleSigningClaim } from "./simple-signing.ts";

/** Who should have signed, as far as it is known. */
export interface ExpectedSigner {
  readonly key: PublicKey;
  readonly hashes: readonly string[];
  /** The signature came with a certificate of this very key. */
  readonly isNamed: boolean;
  readonly digest: Digest | undefined;
}

/** Larger things are not hashed five times for the sake of a message. */
const maxTried = 256 * 1024;
const hashes = ["sha224", "sha256", "sha384", "sha512", "sha1"] as const;

/**
 * Why a signature does not verify, as helpfully as can be told. Most often it was made by another key; it is called bad
 * where it says that it is by this key, or has no form of a signature, or is about something else besides.
 */
export function refuseUnverified(signature: EvidenceSignature, expected: ExpectedSigner): never {
  if (needsBytes(signature, expected)) {
    return refuse(
      "badSignature",
      "invalid signature: such a key signs by another hash than the SHA-256 that is at hand: it takes the file itself",
    );
  }
  const made = hashes.find(
    (hash) => !expected.hashes.includes(hash) && verifiesWith(signature, expected.key.keyObject, hash),
  );
  if (made !== undefined) {
    const asked = expected.hashes.join(" or ");
    return refuse(
      "badSignature",
      `invalid signature: it was made by this key with ${made}, not with ${asked}: see \`signatureAlgorithm\``,
    );
  }
  if (expected.isNamed || signature.keyHint === hintOf(expected.key)) {
    return refuse(
      "badSignature",
      "invalid signature: it says that it is by this key, but what was signed has been altered",
    );
  }
  if (!hasForm(signature.signature, expected.key.keyObject)) {
    return refuse("badSignature", "invalid signature: it has not the form of a signature by such a key");
  }
  if (!speaksOf(signature, expected.digest)) {
    return refuse(
      "badSignature",
      "invalid signature: not made by this key (or altered), and it does not speak of this image",
    );
  }
  return refuse("untrustedSigner", "invalid signature: not made by this key (or altered since)");
}

/** Only the SHA-256 of what was signed is at hand, and such a key may well have signed by another hash. */
function needsBytes({ content }: EvidenceSignature, { key, hashes: own }: ExpectedSigner): boolean {
  const isDigestOnly = content.kind === "message" && "verifyPrehashed" in content.artifact;
  return (
    isDigestOnly && (key.keyObject.asymmetricKeyType === "ed25519" || own.some((hash) => hash !== "sha256"))
  );
}

function verifiesWith({ content, signature }: EvidenceSignature, key: KeyObject, hash: string): boolean {
  const bytes = signedBytes(content);
  if (bytes === undefined || bytes.length > maxTried || key.asymmetricKeyType === "ed25519") return false;
  try {
    return verify(hash, bytes, key, signature);
  } catch {
    return false;
  }
}

/** How cosign names a key in a bundle. */
function hintOf({ keyId }: PublicKey): string {
  return Buffer.from(keyId.slice("sha256:".length), "hex").toString("base64");
}

function hasForm(signature: Buffer, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== "ec") return true;
  // r and s side by side, as WebCrypto writes them: right numbers, wrong form.
  if (signature.length === 64 || signature.length === 96 || signature.length === 132) return isDer(signature);
  return true;
}

function isDer(signature: Buffer): boolean {
  return !isRefused(() => {
    const numbers = derChildren(readDer(signature, "signature"), "signature");
    if (numbers.length !== 2 || numbers.some(({ tag }) => tag !== derTag.integer))
      refuse("malformed", "no pair");
  });
}

/** Unproven, and only for the words of a refusal. */
function speaksOf({ content }: EvidenceSignature, digest: Digest | undefined): boolean {
  if (digest === undefined) return true;
  return !isRefused(() => {
    if (content.kind === "simpleSigning") checkSimpleSigningClaim(content.payload, digest);
    const statement = parseDsseStatement(content);
    if (statement !== undefined) checkStatementSubject(statement, digest);
  });
}

function isRefused(check: () => void): boolean {
  try {
    check();
    return false;
  } catch (error) {
    if (error instanceof Refusal) return true;
    throw error;
  }
}
