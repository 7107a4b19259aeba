import type { Answer, ContextLookup, ContextSource, Logger } from "@assay/engine";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Unlisted, type WatchedKind, watchKind } from "./watched-kind.ts";

/**
 * Answers ConfigMap and Secret lookups from watched copies, so that an evaluation asks the API server nothing and a
 * changed key is in force at once. Everything else goes to `rest`.
 */
export async function watchedContext(
  config: KubeConfig,
  rest: ContextSource,
  logger?: Logger,
): Promise<{ readonly source: ContextSource; stop(): Promise<void> }> {
  const none = (): void => {};
  const observer = logger === undefined ? {} : { logger };
  const configMaps = await watchKind(
    config,
    { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" },
    none,
    observer,
  );
  const secrets = await watchKind(
    config,
    { apiVersion: "v1", kind: "Secret", plural: "secrets" },
    none,
    observer,
  );
  const watched = { configMap: configMaps, secret: secrets };
  const source = {
    fetch: (lookup: ContextLookup, options: { readonly signal: AbortSignal }) =>
      lookup.kind === "configMap" || lookup.kind === "secret"
        ? Promise.resolve(read(watched[lookup.kind], lookup))
        : rest.fetch(lookup, options),
  } as ContextSource;
  return {
    source,
    stop: async () => {
      configMaps.stop();
      secrets.stop();
    },
  };
}

function read(
  kind: WatchedKind,
  lookup: { readonly kind: "configMap" | "secret"; readonly namespace: string; readonly name: string },
): Answer<"configMap" | "secret"> {
  const found = kind.get(lookup.name, lookup.namespace);
  if (found !== undefined) return { ok: true, value: { object: found } };
  const what = lookup.kind === "configMap" ? "ConfigMap" : "Secret";
  const unknown = kind.unknown();
  if (unknown !== undefined) return unlisted(what, unknown);
  const message = `${what} \`${lookup.namespace}/${lookup.name}\` does not exist in the cluster`;
  return { ok: false, failure: { code: "notFound", message, origin: "kubernetes" } };
}

/** That nothing could be listed says nothing about one object. A refusal keeps its status: it opens nothing. */
function unlisted(what: string, { message, status }: Unlisted): Answer<"configMap" | "secret"> {
  const code = status === 401 || status === 403 ? "unauthorized" : "unavailable";
  const failure = {
    code,
    message: `${what} objects could not be listed: ${message}`,
    origin: "kubernetes",
  } as const;
  return { ok: false, failure: status === undefined ? failure : { ...failure, status } };
}
