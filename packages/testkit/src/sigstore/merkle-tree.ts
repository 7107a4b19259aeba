import { createHash } from "node:crypto";

/** RFC 6962: the hash of a leaf. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return hash(Uint8Array.of(0), leaf);
}

/** The root over these leaf hashes. */
export function rootHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return hash();
  if (leaves.length === 1) return only;
  const split = splitOf(leaves.length);
  return hash(Uint8Array.of(1), rootHash(leaves.slice(0, split)), rootHash(leaves.slice(split)));
}

/** The hashes that lead from one leaf to the root, lowest first. */
export function inclusionPath(leaves: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  if (leaves.length <= 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...inclusionPath(left, index), rootHash(right)]
    : [...inclusionPath(right, index - split), rootHash(left)];
}

/** The largest power of two below `size`. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
}
