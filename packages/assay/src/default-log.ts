import type { LogSource } from "@assay/engine";

/** Rekor logs, by https. Asked only where `logLookup` wants it; the client is loaded then. */
export function defaultLog(): LogSource {
  let loading: Promise<LogSource> | undefined;
  return {
    async fetch(lookup, options) {
      loading ??= import("@assay/sources/rekor").then(({ rekorLogs }) => rekorLogs());
      return (await loading).fetch(lookup, options);
    },
  };
}
