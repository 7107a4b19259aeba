export type { BytesCache } from "./cache/bytes-cache.ts";
export { memoryCache } from "./cache/memory-cache.ts";
export type { Limits } from "./oci/limits.ts";
export type {
  Credential,
  CredentialAnswer,
  CredentialProvider,
  CredentialRequest,
} from "./registry/credential.ts";
export type { Clock } from "./registry/deadline.ts";
export type { RequestEvent } from "./registry/exchange.ts";
export type { Mirror } from "./registry/mirrors.ts";
export { type HostTls, type RegistryFetchOptions, registryFetch } from "./registry/registry-fetch.ts";
export type { RegistryOptions } from "./registry/registry-options.ts";
export { registrySource } from "./registry/registry-source.ts";
export type { RetryOptions } from "./registry/retry.ts";
