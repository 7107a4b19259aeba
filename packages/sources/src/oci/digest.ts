import { createHash } from "node:crypto";
import type { Digest } from "@assay/image";
import { isDigest as isDigestText } from "@assay/image";

/** Whether foreign text is a canonical digest of a known algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && text.length < 200 && isDigestText(text);
}

/** The digest of `bytes`, by the algorithm of `like` (SHA-256 unless said otherwise). */
export function digestOf(bytes: Uint8Array, like: Digest | "sha256:" = "sha256:"): Digest {
  const algorithm = like.slice(0, like.indexOf(":"));
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** Whether `bytes` are what `digest` names. */
export function matchesDigest(bytes: Uint8Array, digest: Digest): boolean {
  return digestOf(bytes, digest) === digest;
}
