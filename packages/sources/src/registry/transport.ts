import type { RegistryAccess } from "@assay/engine";
import { LRUCache } from "lru-cache";
import pLimit, { type LimitFunction } from "p-limit";
import { fieldOf, parseObject, text } from "../oci/manifest.ts";
import { SourceError, shown } from "../source-error.ts";
import type { Asking, Authenticator } from "./authenticator.ts";
import { parseChallenge } from "./challenge.ts";
import type { Clock } from "./deadline.ts";
import { type ExchangeOptions, exchange, type Incoming } from "./exchange.ts";
import { type Location, type SchemeOptions, schemeOf } from "./registry-host.ts";
import { type RetryOptions, retryAfter, withRetry } from "./retry.ts";

/** What all requests of one lookup share. */
export interface Errand {
  readonly access: RegistryAccess | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, as it stands. */
  readonly deadline: () => number | undefined;
  readonly count: () => void;
  readonly note: (text: string) => void;
}

export interface TransportOptions {
  readonly exchange: ExchangeOptions;
  readonly schemes: SchemeOptions;
  readonly retry: RetryOptions;
  readonly clock: Clock;
  /** Requests under way per host. */
  readonly concurrency: number;
  readonly authenticator: Authenticator;
}

export interface Get {
  readonly location: Location;
  /** After `/v2/<path>/`, e.g. `manifests/latest`, or an absolute path and query of a next page. */
  readonly path: string;
  readonly accept: string;
  readonly limit: number;
  /** Statuses that are answers; others are thrown as failures. */
  readonly expect: (status: number) => boolean;
}

export type Transport = (get: Get, errand: Errand) => Promise<Incoming>;

/**
 * Sends requests to registries: scheme, authorization, per-host concurrency, and patience with what may pass.
 * Throws `SourceError` for whatever is no expected answer.
 */
export function transport(options: TransportOptions): Transport {
  const limits = new LRUCache<string, LimitFunction>({ max: 1000 });
  const plainHosts = new LRUCache<string, true>({ max: 500, ttl: 600_000 });

  const limitOf = (host: string): LimitFunction => {
    const limit = limits.get(host) ?? pLimit(options.concurrency);
    limits.set(host, limit);
    return limit;
  };

  async function attempt(get: Get, errand: Errand): Promise<Incoming> {
    const { host } = get.location;
    const scheme = schemeOf(host, errand.access?.allowInsecureRegistry === true, options.schemes);
    if (scheme !== "https-then-http") return authorized(get, errand, { scheme, trusted: true }, options);
    if (plainHosts.has(host)) return authorized(get, errand, { scheme: "http", trusted: false }, options);
    try {
      return await authorized(get, errand, { scheme: "https", trusted: true }, options);
    } catch (error) {
      if (!(error instanceof SourceError) || error.code !== "unavailable" || error.status !== undefined)
        throw error;
      const incoming = await authorized(get, errand, { scheme: "http", trusted: false }, options);
      plainHosts.set(host, true);
      errand.note(`\`${host}\` was asked by plain http, as the policy allows`);
      return incoming;
    }
  }

  return (get, errand) => {
    const patience = {
      options: options.retry,
      clock: options.clock,
      signal: errand.signal,
      deadline: errand.deadline,
    };
    return withRetry(patience, () =>
      limitOf(get.location.host)(async () => {
        errand.signal.throwIfAborted();
        const incoming = await attempt(get, errand);
        if (get.expect(incoming.status)) return incoming;
        throw refusal(get, incoming, options.clock.now());
      }),
    );
  };
}

/** One request, and once more when the registry says how it wants to be authorized. */
async function authorized(
  get: Get,
  errand: Errand,
  how: { readonly scheme: "http" | "https"; readonly trusted: boolean },
  options: TransportOptions,
): Promise<Incoming> {
  const { location } = get;
  const url = addressOf(get, how.scheme);
  const asking: Asking = { location, mayUseCredentials: how.trusted, ...errand };
  const send = (authorization: string | undefined): Promise<Incoming> => {
    const headers = authorization === undefined ? {} : { authorization };
    const outgoing = { url, headers: { accept: get.accept, ...headers }, limit: get.limit };
    return exchange({ ...outgoing, signal: errand.signal, count: errand.count }, options.exchange);
  };
  const first = await options.authenticator.header(asking);
  const incoming = await send(first);
  if (incoming.status !== 401 || incoming.url.host !== url.host) return incoming;
  const challenge = parseChallenge(incoming.headers.get("www-authenticate"));
  if (challenge === undefined) return incoming;
  options.authenticator.learn(asking, url, challenge, first);
  const second = await options.authenticator.header(asking);
  return second === undefined || second === first ? incoming : send(second);
}

function addressOf(get: Get, scheme: string): URL {
  const { host, path } = get.location;
  const rest = get.path.startsWith("/") ? get.path : `/v2/${path}/${get.path}`;
  const address = `${scheme}://${host}${rest}`;
  if (URL.canParse(address) && /^[A-Za-z0-9._/-]{1,512}$/.test(path)) {
    const url = new URL(address);
    // INVARIANT: what is asked is what the names say. A host or path that the URL reads otherwise (`a@b`, `x/../y`,
    // `%2e%2e`, `?`) would ask somebody else, or for something else.
    const isAsWritten = `${url.pathname}${url.search}` === rest && url.hash === "" && url.username === "";
    if (url.host === normalized(host, scheme) && isAsWritten) return url;
  }
  const name = shown(`${host}/${path}`);
  throw new SourceError("malformed", `\`${name}\` is no repository of a registry`, { origin: shown(host) });
}

function normalized(host: string, scheme: string): string {
  const standard = scheme === "https" ? ":443" : ":80";
  const name = host.toLowerCase();
  return name.endsWith(standard) ? name.slice(0, -standard.length) : name;
}

const meanings: ReadonlyMap<number, readonly [SourceError["code"], string]> = new Map([
  [401, ["unauthorized", "it wants credentials that we do not have (or the repository does not exist)"]],
  [403, ["unauthorized", "these credentials may not read it"]],
  [404, ["notFound", "it does not exist"]],
  [408, ["unavailable", "it gave up waiting"]],
  [429, ["rateLimited", "too many requests; log in for a higher limit, or use a mirror"]],
]);

function refusal(get: Get, incoming: Incoming, now: number): SourceError {
  const { status } = incoming;
  const [code, meaning] = meanings.get(status) ?? [
    "unavailable",
    status >= 500 ? "the registry is in trouble" : "unexpected",
  ];
  const said = wordsOf(incoming);
  const { registry, path } = get.location;
  const message =
    `\`${registry}/${path}\`: \`${incoming.url.host}\` answered ${status} to ${incoming.said(get.path, 120)}: ${meaning}` +
    (said === "" ? "" : ` (it says: ${said})`);
  return new SourceError(code, message, {
    origin: incoming.url.host,
    status,
    retryAfterMs: retryAfter(incoming.headers.get("retry-after"), now),
  });
}

/** The registry's own words in an OCI error document. */
function wordsOf({ bytes, said }: Incoming): string {
  const first = firstErrorIn(bytes);
  return said([text(fieldOf(first, "code")), text(fieldOf(first, "message"))].filter(Boolean).join(": "));
}

/** The error code of an OCI error document, e.g. `NAME_UNKNOWN`. */
export function errorCodeIn(bytes: Uint8Array): string | undefined {
  return text(fieldOf(firstErrorIn(bytes), "code"));
}

function firstErrorIn(bytes: Uint8Array): unknown {
  const errors = fieldOf(parseObject(bytes), "errors");
  return Array.isArray(errors) ? errors[0] : undefined;
}
