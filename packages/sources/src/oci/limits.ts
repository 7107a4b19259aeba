/** How much of what a registry sends is read at most. Beyond it, evidence counts as `tooLarge` or `tooMany`. */
export interface Limits {
  /** Bytes of a manifest, an index or a page of referrers. Default 4 MiB. */
  readonly manifestBytes: number;
  /** Bytes of one signature, attestation or bundle. Default 64 MiB. */
  readonly layerBytes: number;
  /** Bytes of all layers that one lookup reads. Default 256 MiB. */
  readonly lookupBytes: number;
  /** Referrers of one image. Default 100 (Kyverno: 50). */
  readonly referrers: number;
  /** Signatures or attestations behind one `.sig` or `.att` tag. Default 1000, as cosign. */
  readonly layers: number;
}

const mebibyte = 1024 * 1024;

/** The defaults, with what `options` says instead. */
export function limitsOf(options: Partial<Limits> = {}): Limits {
  return {
    manifestBytes: options.manifestBytes ?? 4 * mebibyte,
    layerBytes: options.layerBytes ?? 64 * mebibyte,
    lookupBytes: options.lookupBytes ?? 256 * mebibyte,
    referrers: options.referrers ?? 100,
    layers: options.layers ?? 1000,
  };
}
