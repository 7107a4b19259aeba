import {
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
} from "@kubernetes/client-node";
import type { Logger } from "./logger.ts";

/** A kind by its REST path: plural names are the cluster's, so they are written down here. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

/** A live copy of all objects of one kind. */
export interface WatchedKind {
  readonly kind: Kind;
  list(): readonly KubernetesObject[];
  get(name: string, namespace?: string): KubernetesObject | undefined;
  stop(): Promise<void>;
}

const retryMs = 5000;

/**
 * Lists and watches a kind until stopped; `changed` is called after every change. A lost connection, an expired
 * resource version or a kind that does not exist yet is retried for ever: meanwhile the last known objects stand.
 * Resolves when the first list has arrived (or was refused: then `list()` is empty until a retry succeeds).
 */
export async function watchKind(
  config: KubeConfig,
  kind: Kind,
  changed: () => void,
  logger?: Logger,
): Promise<WatchedKind> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const informer = makeInformer(config, restPath(kind), () => api.list(kind.apiVersion, kind.kind));
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const start = async (): Promise<void> => {
    try {
      await informer.start();
    } catch (error) {
      retry(error);
    }
  };
  const retry = (error: unknown): void => {
    logger?.warn({ kind: kind.kind, error: String(error) }, "watch interrupted, trying again");
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void start(), retryMs).unref();
  };
  for (const verb of ["add", "update", "delete"] as const) informer.on(verb, changed);
  informer.on("error", retry);
  await start();
  return {
    kind,
    list: () => informer.list(),
    get: (name, namespace) => informer.get(name, namespace),
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await informer.stop();
    },
  };
}

function restPath({ apiVersion, plural }: Kind): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}/${plural}` : `/api/${apiVersion}/${plural}`;
}
