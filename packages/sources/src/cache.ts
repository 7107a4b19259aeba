export type { BytesCache } from "./cache/bytes-cache.ts";
export { type DiskCacheOptions, diskCache } from "./cache/disk-cache.ts";
export { layeredCache } from "./cache/layered-cache.ts";
export { memoryCache } from "./cache/memory-cache.ts";
export { type RedisCacheOptions, type RedisClient, redisCache } from "./cache/redis-cache.ts";
