import type { Digest } from "@assay/image";

/**
 * Keeps bytes by their digest. It may lose them, and it may be written to by others: whoever reads hashes again. It
 * holds no tags, no absences and no verdicts.
 */
export interface BytesCache {
  /** Undefined: not there, or not to be had. Never rejects for trouble of its own: the registry is asked instead. */
  get(digest: Digest): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  set(digest: Digest, bytes: Uint8Array): Promise<void> | void;
}
