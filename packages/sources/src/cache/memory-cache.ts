import { LRUCache } from "lru-cache";
import type { BytesCache } from "./bytes-cache.ts";

/** Keeps the most recently used documents in this process, up to `maxBytes` (default 64 MiB) in all. */
export function memoryCache(options: { readonly maxBytes?: number } = {}): BytesCache {
  const maxSize = options.maxBytes ?? 64 * 1024 * 1024;
  const kept = new LRUCache<string, Uint8Array>({
    maxSize,
    // One huge document must not push out all others.
    maxEntrySize: Math.ceil(maxSize / 2),
    sizeCalculation: (bytes) => bytes.byteLength + 200,
  });
  return {
    get: (digest) => kept.get(digest),
    set: (digest, bytes) => void kept.set(digest, bytes),
  };
}
