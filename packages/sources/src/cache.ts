export type { BytesCache } from "./cache/bytes-cache.ts";
export { memoryCache } from "./cache/memory-cache.ts";
