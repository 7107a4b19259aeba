import type { Logger } from "@assay/engine";
import {
  ApisApi,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  ListWatch,
  Watch,
} from "@kubernetes/client-node";
import { inTime, statusOf } from "./api-answer.ts";
import { listPages } from "./list-pages.ts";

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
  /**
   * Why the objects are not known: no list has arrived yet. Undefined once one has, or once the API server has said that
   * the cluster has no such kind; from then on the last known objects stand.
   */
  unknown(): Unlisted | undefined;
  stop(): Promise<void>;
}

/** The last refusal of a first list. */
export interface Unlisted {
  readonly message: string;
  /** The HTTP status where one was received. */
  readonly status?: number;
}

const retryMs = 1000;

/**
 * Lists and watches a kind until stopped; `changed` is called after every change, and when the first list has arrived.
 * A lost connection, an expired resource version or a kind that does not exist yet is retried for ever. Resolves when
 * the first list has arrived or was refused.
 * INVARIANT: a list that was refused is not an empty one; `unknown` tells them apart.
 */
export async function watchKind(
  config: KubeConfig,
  kind: Kind,
  changed: () => void,
  logger?: Logger,
): Promise<WatchedKind> {
  const api = KubernetesObjectApi.makeApiClient(config);
  let unknown: Unlisted | undefined = { message: "not listed yet" };
  const known = (): void => {
    if (unknown === undefined) return;
    unknown = undefined;
    changed();
  };
  const listed = async (): Promise<KubernetesListObject<KubernetesObject>> => {
    const list = await listAll(api, kind);
    if (stopped) throw new Error("stopped");
    // The informer takes the list over before any timer or event can run.
    queueMicrotask(known);
    return list;
  };
  const informer = new ListWatch(restPath(kind), toldWatch(config), listed, false);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let retrying = Promise.resolve();
  const start = async (): Promise<void> => {
    await informer.start().catch((error: unknown) => {
      retrying = retry(error);
    });
    await retrying;
  };
  const retry = async (error: unknown): Promise<void> => {
    if (stopped) return;
    logger?.warn({ kind: kind.kind, error: String(error) }, "watch interrupted, trying again");
    if (unknown !== undefined) {
      unknown = unlisted(error);
      if (await isMissing(error, kind, config)) known();
    }
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => void start(), retryMs).unref();
  };
  for (const verb of ["add", "update", "delete"] as const) informer.on(verb, changed);
  informer.on("error", (error: unknown) => {
    retrying = retry(error);
  });
  await start();
  return {
    kind,
    list: () => informer.list(),
    get: (name, namespace) => informer.get(name, namespace),
    unknown: () => unknown,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await informer.stop();
    },
  };
}

/**
 * The informer takes up a watch that ended by itself, and hears of nothing that goes wrong before the request is sent (a token
 * that cannot be read, a plug-in for logins that fails): the rejection would end the process.
 */
function toldWatch(config: KubeConfig): Watch {
  const told = new Watch(config);
  const watch = told.watch.bind(told);
  told.watch = async (path, query, callback, done) => {
    try {
      return await watch(path, query, callback, done);
    } catch (error) {
      done(error);
      return new AbortController();
    }
  };
  return told;
}

/** The informer takes what it is given for all that there is: objects of a page that it does not get would be gone. */
async function listAll(
  api: KubernetesObjectApi,
  kind: Kind,
): Promise<KubernetesListObject<KubernetesObject>> {
  const items: KubernetesObject[] = [];
  let last: KubernetesListObject<KubernetesObject> = { items };
  for await (const page of listPages(api, kind)) {
    for (const item of page.items) items.push(item);
    last = page;
  }
  return { ...last, items };
}

function unlisted(error: unknown): Unlisted {
  const status = statusOf(error);
  return { message: String(error).slice(0, 500), ...(status === undefined ? {} : { status }) };
}

/**
 * The API server knows no such kind: its definition is not installed, so there are no objects of it. A status alone does not
 * say that: a proxy whose cluster is away answers 404 to everything, and would make a cluster without policies of it.
 */
async function isMissing(error: unknown, { apiVersion }: Kind, config: KubeConfig): Promise<boolean> {
  // Every cluster has the core kinds.
  if (!apiVersion.includes("/")) return false;
  if (error instanceof Error && error.message.startsWith("Unrecognized API version and kind")) return true;
  if (statusOf(error) !== 404) return false;
  const list = await inTime(config.makeApiClient(ApisApi).getAPIVersions()).catch(() => undefined);
  const served = (list?.groups ?? []).flatMap(({ versions }) => versions.map((one) => one.groupVersion));
  return served.length > 0 && !served.includes(apiVersion);
}

function restPath({ apiVersion, plural }: Kind): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}/${plural}` : `/api/${apiVersion}/${plural}`;
}
