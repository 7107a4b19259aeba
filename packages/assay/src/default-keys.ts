import type { ContextSource, KeySource } from "@assay/engine";

/** Keys of cloud KMSs, Vault and Secrets. Their clients are optional, and loaded when the first reference comes. */
export function defaultKeys(context: ContextSource): KeySource {
  let loading: Promise<KeySource> | undefined;
  return {
    async fetch(lookup, options) {
      loading ??= import("@assay/sources/kms").then(({ kmsKeys }) => kmsKeys({ context }));
      return (await loading).fetch(lookup, options);
    },
  };
}
