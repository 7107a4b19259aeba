declare const digestBrand: unique symbol;
/** `sha256:` and 64 lower-case hex digits (or sha384, sha512 with theirs): checked by `parseDigest`. */
export type Digest = string & { readonly [digestBrand]: true };

/**
 * A parsed image reference. Both tag and digest are kept.
 * INVARIANT: at least one of `tag` and `digest` is defined (`latest` is filled in when neither was written).
 */
export interface ImageReference {
  /** e.g. `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  /** Path without the registry, e.g. `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** As it was written. */
  readonly text: string;
}
