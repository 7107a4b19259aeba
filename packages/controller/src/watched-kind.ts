import type { Logger } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import type { KubeConfig } from "@kubernetes/client-node";
import { statusOf } from "./api-answer.ts";
import { groupPath, type Kind } from "./list-pages.ts";
import { type LiveCopy, liveCopy } from "./live-copy.ts";
import { type RawApi, rawApi } from "./raw-api.ts";
import { sleep } from "./sleep.ts";

/** A live copy of all objects of one kind. */
export interface WatchedKind {
  list(): readonly JsonObject[];
  get(name: string, namespace?: string): JsonObject | undefined;
  /**
   * Why the objects are not known: no list has arrived yet. Undefined once one has, or once the API server has said that
   * the cluster has no such kind; from then on the last known objects stand.
   */
  unknown(): Unlisted | undefined;
  /** Closes the connection at once. Nothing changes from then on. */
  stop(): void;
}

/** Who is told of what becomes of a kind. */
export interface KindObserver {
  readonly logger?: Logger;
  /** Called when it is known whether the API server serves the kind, and whenever that changes. */
  readonly served?: (isServed: boolean) => void;
}

/** The last refusal of a first list. */
export interface Unlisted {
  readonly message: string;
  /** The HTTP status where one was received. */
  readonly status?: number;
}

/** Milliseconds from a failure to the next list, and at least from the beginning of a watch to that of the next. */
const retryMs = 1000;

/** Milliseconds after which a kind that the cluster does not have is looked for again. */
const missingMs = 5000;

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
  observer: KindObserver = {},
): Promise<WatchedKind> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const api = rawApi(config);
  const copy = liveCopy(api, kind, signal);
  const standing = standingOf(kind, changed, observer);
  await new Promise<void>((answered) => {
    void keepCurrent({ api, kind, copy, standing, changed, signal }, answered);
  });
  return {
    list: copy.list,
    get: copy.get,
    unknown: standing.unknown,
    stop: () => stopping.abort(),
  };
}

interface Watching {
  readonly api: RawApi;
  readonly kind: Kind;
  readonly copy: LiveCopy;
  readonly standing: Standing;
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

/** Lists, watches from there on, and lists anew after every failure. `answered` is called after each answer. */
async function keepCurrent(
  { api, kind, copy, standing, changed, signal }: Watching,
  answered: () => void,
): Promise<void> {
  let version: string | undefined;
  while (!signal.aborted) {
    const begun = performance.now();
    let pauseMs = 0;
    try {
      if (version === undefined) {
        const list = await copy.refresh();
        version = list.version;
        standing.listed(list.isChanged);
      } else {
        version = await copy.follow(version, changed);
        // Who ends every watch at once would be asked without a pause.
        pauseMs = retryMs - (performance.now() - begun);
      }
    } catch (error) {
      version = undefined;
      const isMissing = standing.mayBeMissing() && (await isMissingKind(error, kind, api, signal));
      if (!signal.aborted) standing.failed(error, isMissing);
      pauseMs = isMissing ? missingMs : retryMs;
    }
    answered();
    if (pauseMs > 0) await sleep(pauseMs, signal);
  }
}

/** What is known of a kind. */
interface Standing {
  unknown(): Unlisted | undefined;
  /** Not once the kind was listed: then its last known objects stand. */
  mayBeMissing(): boolean;
  listed(isChanged: boolean): void;
  failed(error: unknown, isMissing: boolean): void;
}

function standingOf(kind: Kind, changed: () => void, { logger, served }: KindObserver): Standing {
  let state: "unlisted" | "missing" | "listed" = "unlisted";
  let refusal: Unlisted = { message: "not listed yet" };
  let told = "";
  const tell = (message: string, fields: object): void => {
    const news = JSON.stringify([message, fields]);
    // A cluster that is away for an hour is no news every second.
    if (news !== told) logger?.warn({ kind: kind.kind, ...fields }, message);
    told = news;
  };
  return {
    unknown: () => (state === "unlisted" ? refusal : undefined),
    mayBeMissing: () => state !== "listed",
    listed: (isChanged) => {
      const recovery = state === "missing" ? "the cluster has this kind now" : "watch goes on";
      if (told !== "") logger?.info({ kind: kind.kind }, recovery);
      const isFirst = state === "unlisted";
      if (state !== "listed") served?.(true);
      [state, told] = ["listed", ""];
      if (isFirst || isChanged) changed();
    },
    failed: (error, isMissing) => {
      if (isMissing) {
        tell("the cluster has no such kind, so there is nothing of it: it is looked for every five seconds", {
          apiVersion: kind.apiVersion,
        });
        const isFirst = state === "unlisted";
        if (isFirst) served?.(false);
        state = "missing";
        if (isFirst) changed();
      } else {
        tell("watch interrupted, trying again", { error: String(error) });
        if (state === "unlisted") refusal = unlisted(error);
      }
    },
  };
}

function unlisted(error: unknown): Unlisted {
  const status = statusOf(error);
  return { message: String(error).slice(0, 500), ...(status === undefined ? {} : { status }) };
}

/**
 * The API server knows no such kind: its definition is not installed, so there are no objects of it. A status alone does not
 * say that: a proxy whose cluster is away answers 404 to everything, and would make a cluster without policies of it.
 */
async function isMissingKind(
  error: unknown,
  { apiVersion, plural }: Kind,
  api: RawApi,
  signal: AbortSignal,
): Promise<boolean> {
  // Every cluster has the core kinds.
  if (!apiVersion.includes("/") || statusOf(error) !== 404) return false;
  try {
    const groups = await api.get({ path: "/apis", signal });
    const served = each(groups["groups"]).flatMap(({ versions }) => each(versions));
    const versions = served.map(({ groupVersion }) => groupVersion);
    if (versions.length > 0 && !versions.includes(apiVersion)) return true;
    const { resources } = await api.get({ path: groupPath(apiVersion), signal });
    return Array.isArray(resources) && !each(resources).some(({ name }) => name === plural);
  } catch {
    return false;
  }
}

function each(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === "object" && one !== null) : [];
}
