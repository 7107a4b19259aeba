import { type FactCache, factCache } from "../fact-cache.ts";
import type { TransparencyLog } from "../log/transparency-log.ts";
import type { CertificatePool } from "../signer/certificate-chain.ts";
import type { CtLog } from "../signer/sct.ts";
import type { TimestampAuthority } from "../time/timestamp-authority.ts";

/**
 * Everything that may vouch for a signature. Nobody writes to it once it is made, but for the cache of facts about bytes.
 */
export interface TrustMaterial {
  readonly certificateAuthorities: readonly CertificatePool[];
  readonly logs: readonly TransparencyLog[];
  readonly ctLogs: readonly CtLog[];
  readonly timestampAuthorities: readonly TimestampAuthority[];
  readonly cache: FactCache;
}

/** For what a policy's own PEM text says: valid without end. */
export const always: { readonly start: Date; readonly end: Date } = {
  start: new Date(0),
  end: new Date(8_640_000_000_000_000),
};

/** Material with a cache of its own. */
export function trustMaterial(parts: Omit<TrustMaterial, "cache">): TrustMaterial {
  return Object.freeze({ ...parts, cache: factCache() });
}
