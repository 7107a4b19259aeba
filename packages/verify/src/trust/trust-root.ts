import type { TrustMaterial } from "./trust-material.ts";

/** Keeps a `TrustRoot` from being made anywhere but in `parseTrustRoot`. */
export const trusted: unique symbol = Symbol("trusted");

/**
 * Parsed and checked trust material (certificate authorities, logs, CT logs, timestamp authorities). Opaque: only this
 * package reaches what is in it.
 */
export interface TrustRoot {
  readonly [trusted]: TrustMaterial;
  /** `sha256:` of the text it was parsed from: part of every cache key. */
  readonly id: string;
}
