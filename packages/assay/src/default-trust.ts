import type { TrustSource } from "@assay/engine";

/** Sigstore's public trust root by TUF. Neither the network nor the TUF client is touched before a signature needs it. */
export function defaultTrust(): TrustSource {
  let loading: Promise<TrustSource> | undefined;
  return {
    async fetch(lookup, options) {
      loading ??= import("@assay/sources/trust").then(({ tufTrust }) => tufTrust());
      return (await loading).fetch(lookup, options);
    },
  };
}
