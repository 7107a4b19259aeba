import type { BytesCache } from "./bytes-cache.ts";

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
  /** Default `Date.now`. */
  readonly now?: () => number;
}

/** How long a Redis that failed or was slow is left alone. */
const restMs = 5000;

/**
 * Shares documents among processes through Redis or Valkey, by digest and nothing else: whoever can write there can make
 * a cache useless, but not change what anything means, since bytes are hashed when they are used. A Redis that is down
 * or slow is passed by.
 */
export function redisCache(client: RedisClient, options: RedisCacheOptions = {}): BytesCache {
  const { prefix = "assay:bytes:", ttlSeconds = 604_800, maxEntryBytes = 8 * 1024 * 1024 } = options;
  const { timeoutMs = 250, now = Date.now } = options;
  let restUntil = 0;

  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (now() < restUntil) return undefined;
    try {
      return await within(timeoutMs, work);
    } catch {
      restUntil = now() + restMs;
      return undefined;
    }
  }

  return {
    get: async (digest) => (await attempt(() => client.getBuffer(prefix + digest))) ?? undefined,
    async set(digest, bytes) {
      if (bytes.byteLength > maxEntryBytes) return;
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await attempt(() => client.set(prefix + digest, buffer, "EX", ttlSeconds));
    },
  };
}

function within<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
