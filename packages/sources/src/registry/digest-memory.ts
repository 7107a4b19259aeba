import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";

/** Remembers values for a while, the least recently used ones make room. */
export interface DigestMemory<T> {
  get(key: readonly unknown[]): T | undefined;
  /** `ttlMs`: default the memory's own; 0 is without end. */
  set(key: readonly unknown[], value: T, ttlMs?: number): void;
  delete(key: readonly unknown[]): void;
  /** Forgets every value of which this is true. */
  forget(isOld: (value: T) => boolean): void;
}

/** The digest and what goes with an entry. */
const entryBytes = 300;

/**
 * A memory of `maxBytes` in all. What stands in a key may come from who writes a Pod (its `imagePullSecrets` may be a
 * megabyte of names), so that a key is kept as its SHA-256; values count with what `sizeOf` says of them, and one that is
 * larger than everything together is not kept.
 */
export function digestMemory<T extends object | string | true>(options: {
  readonly maxBytes: number;
  readonly sizeOf: (value: T) => number;
  readonly ttlMs?: number;
  /** Default: the time since the process began. */
  readonly now?: () => number;
}): DigestMemory<T> {
  const { maxBytes, sizeOf, ttlMs, now } = options;
  const kept = new LRUCache<string, T>({
    maxSize: maxBytes,
    sizeCalculation: (value) => entryBytes + sizeOf(value),
    ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
    ...(now === undefined ? {} : { perf: { now } }),
  });
  return {
    get: (key) => kept.get(digestOf(key)),
    set: (key, value, ttl) => void kept.set(digestOf(key), value, ttl === undefined ? {} : { ttl }),
    delete: (key) => void kept.delete(digestOf(key)),
    forget: (isOld) => {
      for (const [digest, value] of kept.entries()) if (isOld(value)) kept.delete(digest);
    },
  };
}

function digestOf(key: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(key), "base64");
}
