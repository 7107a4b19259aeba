import type { Json } from "@assay/policy";
import { isLoopbackName } from "../registry/addresses.ts";
import { directExchange } from "../registry/direct-exchange.ts";
import { exchange, type Incoming } from "../registry/exchange.ts";
import { hostsOf, isListed } from "../registry/host-names.ts";
import { SourceError, shownAddress } from "../source-error.ts";

/** How transparency logs are asked. */
export interface RekorOptions {
  /** Default: Node's HTTP client, as for registries. */
  readonly fetch?: typeof globalThis.fetch;
  /** Largest answer that is read, in bytes. Default 4 MiB. */
  readonly maxBytes?: number;
  /** How long one request may take. Default 10 seconds. */
  readonly timeoutMs?: number;
  /** Hosts (`host` or `host:port`) that may be asked by plain http. Loopback always may. */
  readonly insecureHosts?: readonly string[];
}

/** One request to a Rekor v1 log. */
export interface RekorRequest {
  /** The log's address. */
  readonly url: string;
  /** Path of its API, e.g. `/api/v1/log/entries/retrieve`. */
  readonly path: string;
  /** JSON text: makes it a POST. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** What a log answered, as text and as what the text says. */
export interface RekorAnswer {
  readonly text: string;
  readonly value: Json;
}

/**
 * Asks a Rekor v1 log and reads its JSON. By https, unless it is on this machine or among the insecure hosts; no other
 * address is ever asked in its place. What it says is unverified. Throws `SourceError`, or the signal's reason.
 */
export async function askRekor(request: RekorRequest, options: RekorOptions = {}): Promise<RekorAnswer> {
  const url = addressOf(request, options);
  const incoming = await exchange(
    {
      url,
      headers: { accept: "application/json" },
      limit: options.maxBytes ?? 4 * 1024 * 1024,
      signal: request.signal,
      count: () => undefined,
      redirects: "refuse",
      ...(request.body === undefined ? {} : { body: { type: "application/json", text: request.body } }),
    },
    directExchange({ fetch: options.fetch, timeoutMs: options.timeoutMs ?? 10_000 }),
  );
  if (incoming.status !== 200) throw refusal(incoming);
  return jsonOf(incoming);
}

function addressOf({ url, path }: RekorRequest, { insecureHosts = [] }: RekorOptions): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const refuse = (why: string): SourceError => {
    const origin = base?.host ?? shownAddress(url);
    return new SourceError("unsupported", `transparency log \`${shownAddress(url)}\`: ${why}`, { origin });
  };
  if (base === undefined || !/^https?:$/.test(base.protocol)) throw refuse("is no http(s) address");
  if (base.username !== "" || base.password !== "") throw refuse("addresses with user info are not asked");
  const isAllowed = isLoopbackName(base.hostname) || isListed(hostsOf(insecureHosts, "insecureHosts"), base);
  if (base.protocol === "http:" && !isAllowed)
    throw refuse("only a log on this machine is asked by plain http");
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, "")}${path}`);
}

function refusal({ url, status }: Incoming): SourceError {
  const what = status === 404 ? " (is that a Rekor v1 log?)" : "";
  const message = `transparency log \`${url.host}\` answered HTTP ${status}${what}`;
  return new SourceError(codeOf(status), message, { origin: url.host, status });
}

/** INVARIANT: no status means "no entry": a log that has none answers 200 with an empty list. */
function codeOf(status: number): SourceError["code"] {
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 429) return "rateLimited";
  return status >= 500 ? "unavailable" : "unsupported";
}

function jsonOf({ url, status, bytes }: Incoming): RekorAnswer {
  const text = Buffer.from(bytes).toString("utf8");
  try {
    return { text, value: JSON.parse(text) as Json }; // what JSON.parse returns is JSON
  } catch (cause) {
    const message = `transparency log \`${url.host}\` sent something that is not JSON`;
    throw new SourceError("unavailable", message, { origin: url.host, status, cause });
  }
}
