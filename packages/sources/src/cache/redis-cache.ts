import type { BytesCache } from "./bytes-cache.ts";
import { passingBy } from "./passing-by.ts";

/** What is used of a client for Redis or Valkey: `ioredis` fits as it is. */
export interface RedisClient {
  getBuffer(key: string): Promise<Uint8Array | null>;
  set(key: string, value: Buffer, expiry: "EX", seconds: number): Promise<unknown>;
}

export interface RedisCacheOptions {
  /** Before each digest. Default `assay:bytes:`. */
  readonly prefix?: string;
  /** Seconds that a document stays. Default a week. */
  readonly ttlSeconds?: number;
  /** Largest document that is shared. Default 8 MiB: Redis serves one request at a time. */
  readonly maxEntryBytes?: number;
  /** Milliseconds after which an answer is no longer waited for. Default 250. */
  readonly timeoutMs?: number;
  /** Told why Redis is left alone for the next five seconds. Default: nobody. */
  readonly onTrouble?: (error: Error) => void;
  /** Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Shares documents among processes through Redis or Valkey, by digest and nothing else: whoever can write there can make
 * a cache useless, but not change what anything means, since bytes are hashed when they are used. A Redis that is down
 * or slow is passed by.
 */
export function redisCache(client: RedisClient, options: RedisCacheOptions = {}): BytesCache {
  const { prefix = "assay:bytes:", ttlSeconds = 604_800, maxEntryBytes = 8 * 1024 * 1024 } = options;
  const { timeoutMs = 250, now = Date.now, onTrouble } = options;
  const attempt = passingBy({ timeoutMs, now, onTrouble });
  return {
    get: async (digest) => (await attempt(() => client.getBuffer(prefix + digest))) ?? undefined,
    async set(digest, bytes) {
      if (bytes.byteLength > maxEntryBytes) return;
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await attempt(() => client.set(prefix + digest, buffer, "EX", ttlSeconds));
    },
  };
}
