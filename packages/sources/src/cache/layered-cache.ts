import { byteTurns } from "../oci/byte-turns.ts";
import { matchesDigest } from "../oci/digest.ts";
import type { BytesCache } from "./bytes-cache.ts";

/** A near cache (memory) before a far one (disk, Redis). What the far one has is hashed before it is kept nearby. */
export function layeredCache(near: BytesCache, far: BytesCache): BytesCache {
  const turns = byteTurns();
  return {
    async get(digest) {
      const here = await near.get(digest);
      if (here !== undefined) return here;
      const there = await far.get(digest);
      if (there === undefined || !(await matchesDigest(there, digest, turns))) return undefined;
      await near.set(digest, there);
      return there;
    },
    async set(digest, bytes) {
      await near.set(digest, bytes);
      await far.set(digest, bytes);
    },
  };
}
