import { createHash } from "node:crypto";
import type { Digest } from "@assay/image";
import { isDigest as isDigestText } from "@assay/image";
import type { ByteTurns } from "./byte-turns.ts";

/** Whether foreign text is a canonical digest of a known algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && text.length < 200 && isDigestText(text);
}

/** The digest of `bytes`, by the algorithm of `like` (SHA-256 unless said otherwise). */
export async function digestOf(
  bytes: Uint8Array,
  turns: ByteTurns,
  like: Digest | "sha256:" = "sha256:",
): Promise<Digest> {
  const algorithm = like.slice(0, like.indexOf(":"));
  const hash = createHash(algorithm);
  await turns.each(bytes, (slice) => void hash.update(slice));
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}

/** Whether `bytes` are what `digest` names. */
export async function matchesDigest(bytes: Uint8Array, digest: Digest, turns: ByteTurns): Promise<boolean> {
  return (await digestOf(bytes, turns, digest)) === digest;
}
