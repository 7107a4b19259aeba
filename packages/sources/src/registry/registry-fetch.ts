import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from "node:tls";
import { SourceError } from "../source-error.ts";
import { hostsOf, withPort } from "./host-names.ts";

/** TLS towards one host. All texts are PEM. */
export interface HostTls {
  /** Certificate authorities beside the well-known ones. */
  readonly ca?: string;
  /** Client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface RegistryFetchOptions extends HostTls {
  /** By host (`host[:port]`), in place of what is given for all. Client certificates belong here. */
  readonly hosts?: Readonly<Record<string, HostTls>>;
  /** Address of an http(s) proxy, or `environment`: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count. Default: no proxy. */
  readonly proxy?: string;
}

/** By `host[:port]`. */
type SecureContexts = (host: string) => SecureContext;

/**
 * What a `fetch` of `registryFetch` offers to whom, where it connects by itself: sources then send by a wire of their own.
 * Behind a proxy it is the proxy that looks names up.
 */
const ownTls = Symbol("tls");

/** The TLS settings of a `fetch` that `registryFetch` made; undefined for another one, or one behind a proxy. */
export function secureContextsOf(fetch: typeof globalThis.fetch): SecureContexts | undefined {
  return (fetch as { readonly [ownTls]?: SecureContexts })[ownTls];
}

type Dispatchers = (host: string) => object;

/**
 * A `fetch` for `registrySource` with own certificate authorities, client certificates and proxies. INVARIANT: a client
 * certificate given for one host is offered to that host alone, since redirects are new requests.
 *
 * Certificates are always checked: there is no way to switch that off. Throws `SourceError` `misuse` for hosts that are none.
 */
export function registryFetch(given: RegistryFetchOptions): typeof globalThis.fetch {
  const options = { ...given, hosts: tlsByHost(given.hosts) };
  checkKeys(options);
  for (const tls of options.hosts.values()) checkKeys(tls);
  let loading: ReturnType<typeof loadUndici> | undefined;
  const load = (): ReturnType<typeof loadUndici> => {
    loading ??= loadUndici(options);
    return loading;
  };
  // It takes tens of milliseconds: where it will be needed, not amid an admission. Whoever asks is told what went wrong.
  if (options.proxy !== undefined) load().catch(() => undefined);
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { undici, dispatcherFor } = await load();
    const url = new URL(input instanceof Request ? input.url : input);
    const dispatcher = dispatcherFor(url.host);
    // undici's own types and the global ones name the same standard; they differ in private members.
    const response: object = await undici.fetch(url, { ...init, dispatcher } as object);
    return response as Response;
  };
  return options.proxy === undefined ? Object.assign(fetch, { [ownTls]: secureContexts(options) }) : fetch;
}

interface FetchOptions extends Omit<RegistryFetchOptions, "hosts"> {
  /** With their ports. */
  readonly hosts: ReadonlyMap<string, HostTls>;
}

function tlsByHost(given: RegistryFetchOptions["hosts"] = {}): FetchOptions["hosts"] {
  const settings = Object.values(given);
  const hosts = hostsOf(Object.keys(given), "hosts").map((host) => withPort(host, "https:"));
  const twice = hosts.find((host, i) => hosts.indexOf(host) !== i);
  if (twice !== undefined)
    throw new SourceError("misuse", `\`hosts\` names \`${twice}\` twice`, { origin: "registryFetch" });
  return new Map(hosts.map((host, i) => [host, settings[i] ?? {}]));
}

async function loadUndici(
  options: FetchOptions,
): Promise<{ readonly undici: typeof import("undici"); readonly dispatcherFor: Dispatchers }> {
  const undici = await import("undici");
  return { undici, dispatcherFor: dispatchers(undici, options) };
}

function dispatchers(undici: typeof import("undici"), options: FetchOptions): Dispatchers {
  const make = (tls: HostTls): object => {
    const connect = { ...certificates(tls), rejectUnauthorized: true };
    if (options.proxy === undefined) return new undici.Agent({ connect });
    if (options.proxy === "environment")
      return new undici.EnvHttpProxyAgent({ connect, requestTls: connect });
    return new undici.ProxyAgent({ uri: options.proxy, requestTls: connect });
  };
  const common = make(options);
  const byHost = new Map([...options.hosts].map(([host, tls]) => [host, make(tls)]));
  return (host) => byHost.get(withPort(host, "https:")) ?? common;
}

/** Each is made once, when it is first needed: reading the well-known authorities takes tens of milliseconds. */
function secureContexts({ hosts, ...common }: FetchOptions): SecureContexts {
  const made = new Map<HostTls, SecureContext>();
  return (host) => {
    const tls = hosts.get(withPort(host, "https:")) ?? common;
    const context = made.get(tls) ?? createSecureContext(certificates(tls));
    made.set(tls, context);
    return context;
  };
}

function certificates({ ca, cert, key }: HostTls): SecureContextOptions {
  return {
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function checkKeys({ cert, key }: HostTls): void {
  if ((cert === undefined) === (key === undefined)) return;
  throw new SourceError("misuse", "a client certificate and its key belong together", {
    origin: "registryFetch",
  });
}
