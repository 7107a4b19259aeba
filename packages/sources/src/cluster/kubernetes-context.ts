import type { RequestOptions } from "node:https";
import type { Answer, AnswerValues, ContextLookup, ContextSource, FetchOptions } from "@assay/engine";
import type { Json } from "@assay/policy";
import { amount, type Check, callable, checkOptions, object } from "../check-options.ts";
import { optionalPeer } from "../credentials/optional-peer.ts";
import { fieldOf, text } from "../oci/manifest.ts";
import { abortable, withTimeout } from "../registry/deadline.ts";
import { failureOf, SourceError, shown, shownAddress } from "../source-error.ts";
import { type JsonResponse, jsonRequest } from "./json-request.ts";

/** What is used of `KubeConfig` of `@kubernetes/client-node`. */
export interface ClusterConfig {
  getCurrentCluster(): { readonly server: string } | null;
  /** Adds certificates and the authorization header. */
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

export interface KubernetesOptions {
  /** Default: kubeconfig or service account, as `kubectl` finds them, through `@kubernetes/client-node`. */
  readonly config?: ClusterConfig;
  /** Largest answer. Default 8 MiB. */
  readonly maxBytes?: number;
  /** Milliseconds for one request, and for the login before it. Default 10 s. */
  readonly timeoutMs?: number;
  /** Reads global context entries, which only Kyverno's controllers keep. Default: they are `unsupported`. */
  readonly globalContext?: (name: string, options: FetchOptions) => Promise<Json>;
}

const known: Readonly<Record<keyof KubernetesOptions, Check>> = {
  ...{ config: object, maxBytes: amount, timeoutMs: amount, globalContext: callable },
};

type Value = AnswerValues[ContextLookup["kind"]];

/**
 * ConfigMaps, Secrets and API calls from a Kubernetes API server; calls to services go to the service. INVARIANT: our
 * credentials go to the API server alone, never to a service that a policy names. Throws `SourceError` `misuse` for an option
 * that does not exist or is none: without its `config` another cluster is asked.
 */
export function kubernetesContext(options: KubernetesOptions = {}): ContextSource {
  checkOptions(options, known);
  let loading: Promise<ClusterConfig> | undefined;
  const config = (): Promise<ClusterConfig> => {
    loading ??= options.config === undefined ? defaultConfig() : Promise.resolve(options.config);
    return loading;
  };
  return {
    async fetch<K extends ContextLookup["kind"]>(
      lookup: Extract<ContextLookup, { kind: K }>,
      fetchOptions: FetchOptions,
    ): Promise<Answer<K>> {
      fetchOptions.signal.throwIfAborted();
      try {
        const value = await answer(lookup, fetchOptions, { ...options, load: config });
        return { ok: true, value, requests: 1 } as Answer<K>; // `answer` gives each kind its own value.
      } catch (error) {
        fetchOptions.signal.throwIfAborted();
        return { ok: false, failure: failureOf(error), requests: 1 };
      }
    },
  };
}

type Means = KubernetesOptions & { readonly load: () => Promise<ClusterConfig> };

async function answer(lookup: ContextLookup, fetchOptions: FetchOptions, means: Means): Promise<Value> {
  switch (lookup.kind) {
    case "configMap":
    case "secret": {
      const plural = lookup.kind === "secret" ? "secrets" : "configmaps";
      const path = `/api/v1/namespaces/${encodeURIComponent(lookup.namespace)}/${plural}/${encodeURIComponent(lookup.name)}`;
      return { object: await askServer({ path, method: "GET", body: undefined }, fetchOptions, means) };
    }
    case "apiCall":
      if (/^https?:\/\//.test(lookup.url)) return { data: await askService(lookup, fetchOptions, means) };
      return {
        data: await askServer(
          { path: lookup.url, method: lookup.method, body: lookup.body },
          fetchOptions,
          means,
        ),
      };
    case "globalContext": {
      if (means.globalContext !== undefined)
        return { data: await means.globalContext(lookup.name, fetchOptions) };
      const message = `global context entry \`${lookup.name}\` cannot be read: only Kyverno's controllers keep them`;
      throw new SourceError("unsupported", message, { origin: lookup.name });
    }
  }
}

interface Call {
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly body: Json | undefined;
}

async function askServer(call: Call, { signal }: FetchOptions, means: Means): Promise<Json> {
  const config = await means.load().catch(unusable);
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new SourceError("unavailable", "there is no current cluster", { origin: "kubernetes" });
  const server = new URL(cluster.server);
  const url = URL.canParse(call.path, server.href) ? new URL(call.path, server) : undefined;
  // INVARIANT: a path cannot lead off the server (`//evil.example/`), the credentials would follow it; nor (`..`) to
  // another object than it says: a part of it may be an annotation's text, and who wrote it has a ConfigMap of his own.
  if (
    url === undefined ||
    url.origin !== server.origin ||
    !call.path.startsWith("/") ||
    hasDotSegments(call.path)
  ) {
    throw new SourceError("malformed", `\`${shown(call.path)}\` is no path on the API server`, {
      origin: server.host,
    });
  }
  const tls = await login(config, means, signal);
  const response = await jsonRequest({
    ...{ url, method: call.method, body: call.body, headers: textHeaders(tls.headers), tls, signal },
    ...limitsOf(means),
  });
  return good(response, { what: call.path, origin: server.host });
}

function limitsOf({ maxBytes = 8 * 1024 * 1024, timeoutMs = 10_000 }: KubernetesOptions): Limits {
  return { maxBytes, timeoutMs };
}

type Limits = Required<Pick<KubernetesOptions, "maxBytes" | "timeoutMs">>;

/** A kubeconfig may name a program that logs in, which may wait for a person, or for ever. */
async function login(config: ClusterConfig, means: Means, signal: AbortSignal): Promise<RequestOptions> {
  const tls: RequestOptions = {};
  const limit = { signal, milliseconds: limitsOf(means).timeoutMs, origin: "the kubeconfig's login" };
  await withTimeout(limit, (within) => abortable(config.applyToHTTPSOptions(tls), within)).catch(unusable);
  return tls;
}

/** As a URL is read: without tabs and line breaks (`.<tab>.` is `..`), nor spaces and control characters at its end. */
function hasDotSegments(path: string): boolean {
  const read = path.replace(/[\t\n\r]/g, "").replace(/[?#].*$/s, "");
  return /\/(?:\.|%2e){1,2}(?:\/|[^\u0021-\u{10ffff}]*$)/iu.test(read.replaceAll("\\", "/"));
}

/** A kubeconfig that cannot be used: a plug-in that fails, a file that is missing. */
function unusable(cause: unknown): never {
  if (cause instanceof SourceError) throw cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new SourceError("unavailable", `the kubeconfig cannot be used: ${shown(why)}`, {
    origin: "kubeconfig",
    cause,
  });
}

async function askService(
  lookup: Extract<ContextLookup, { kind: "apiCall" }>,
  { signal }: FetchOptions,
  means: Means,
): Promise<Json> {
  if (!URL.canParse(lookup.url)) {
    const address = shownAddress(lookup.url);
    throw new SourceError("malformed", `\`${address}\` is no address`, { origin: address });
  }
  const url = new URL(lookup.url);
  const response = await jsonRequest({
    url,
    method: lookup.method,
    body: lookup.body,
    headers: Object.fromEntries((lookup.headers ?? []).map(({ key, value }) => [key.toLowerCase(), value])),
    tls: lookup.caBundle === undefined ? {} : { ca: lookup.caBundle },
    signal,
    ...limitsOf(means),
  });
  return good(response, { what: `${url.origin}${url.pathname}`, origin: url.host });
}

function good(
  response: JsonResponse,
  { what, origin }: { readonly what: string; readonly origin: string },
): Json {
  const { status, json, said } = response;
  if (status >= 200 && status < 300) {
    if (json !== undefined) return json;
    throw new SourceError("unavailable", `\`${origin}\` answered \`${shown(what)}\` with no JSON`, {
      origin,
      status,
    });
  }
  const words = text(fieldOf(json, "message"));
  const hint = status === 403 ? " (does its role allow this?)" : "";
  const message = `\`${origin}\` answered ${status} to \`${shown(what)}\`${words === undefined ? "" : `: ${said(words)}`}${hint}`;
  throw new SourceError(codeOf(status), message, { origin, status });
}

function codeOf(status: number): SourceError["code"] {
  if (status === 404) return "notFound";
  if (status === 401 || status === 403) return "unauthorized";
  return status === 429 ? "rateLimited" : "unavailable";
}

function textHeaders(headers: RequestOptions["headers"]): Readonly<Record<string, string>> {
  const entries = Object.entries(headers ?? {}).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value]] : [],
  );
  return Object.fromEntries(entries);
}

async function defaultConfig(): Promise<ClusterConfig> {
  const { KubeConfig } = (await optionalPeer("@kubernetes/client-node", "asking the cluster")) as {
    readonly KubeConfig: new () => ClusterConfig & { loadFromDefault(): void };
  }; // its documented exports
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}
