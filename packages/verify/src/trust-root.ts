declare const trusted: unique symbol;

/** Parsed, checked and frozen trust material (certificate authorities, logs, CT logs, timestamp authorities). Opaque. */
export interface TrustRoot {
  readonly [trusted]: true;
  /** `sha256:` of the text it was parsed from: part of every cache key. */
  readonly id: string;
}
