import type { ByteTurns } from "../oci/byte-turns.ts";
import { SourceError, shown } from "../source-error.ts";
import { withTimeout } from "./deadline.ts";
import { RefusedAddress } from "./node-wire.ts";
import { readBody } from "./read-body.ts";
import { type Borders, checkCrossing, type Reach } from "./redirects.ts";
import { type Blot, blotting } from "./sent-secrets.ts";
import type { Wire, WireAnswer, WireHeaders } from "./wire.ts";

/** One HTTP request that was sent, told to `onRequest`. Holds no query, and none of the credentials it went with. */
export interface RequestEvent {
  readonly method: "GET" | "POST";
  readonly url: string;
  /** Absent: no answer came. */
  readonly status?: number;
  readonly milliseconds: number;
  readonly bytes: number;
  readonly error?: string;
}

export interface ExchangeOptions {
  readonly wire: Wire;
  /** For hosts that registries name: connects to public addresses only, where that is ours to say. */
  readonly publicWire: Wire;
  readonly timeoutMs: number;
  readonly borders: Borders;
  readonly now: () => number;
  readonly turns: ByteTurns;
  readonly onRequest: ((event: RequestEvent) => void) | undefined;
}

export interface Outgoing {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes it a POST, which is sent to no other address than this. */
  readonly body?: { readonly type: string; readonly text: string };
  /** Default: those of a GET are followed, within the borders. */
  readonly redirects?: "refuse";
  /** Most bytes of a good answer. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Default `anywhere`: policies and settings may name every host. */
  readonly reach?: Reach | undefined;
  /** Called for each request that goes out, redirects included. */
  readonly count: () => void;
}

export interface Incoming {
  readonly url: URL;
  readonly status: number;
  readonly headers: WireHeaders;
  readonly bytes: Uint8Array;
  /** Foreign text in it for a message: `shown`, without what the request was authorized by. */
  readonly said: (text: string, limit?: number) => string;
}

const maxRedirects = 5;
/** Enough for any registry's error document. */
const errorBytes = 16 * 1024;

/**
 * Sends one request and reads its whole answer, under one time limit. Redirects are followed by hand: each target is
 * checked, and what authorizes us at one origin is never sent to another. Throws `SourceError`
 * (`unavailable`, `timeout`, `tooLarge`) or the reason of `signal`.
 */
export async function exchange(outgoing: Outgoing, options: ExchangeOptions): Promise<Incoming> {
  const { host } = outgoing.url;
  const blot = blotting(outgoing);
  const limit = { signal: outgoing.signal, milliseconds: options.timeoutMs, origin: host };
  try {
    return await withTimeout(limit, (signal) => follow({ ...outgoing, signal, blot }, options));
  } catch (error) {
    throw blotted(error, blot);
  }
}

/** An error without what its words may have taken from the answers. */
function blotted(error: unknown, blot: Blot): unknown {
  if (!(error instanceof SourceError) || blot(error.message) === error.message) return error;
  const { code, message, origin, status } = error;
  return new SourceError(code, blot(message), { origin: blot(origin), status });
}

/** With what its first request is authorized by, wherever it is led. */
type Following = Outgoing & { readonly blot: Blot };

async function follow(outgoing: Following, options: ExchangeOptions): Promise<Incoming> {
  let url = outgoing.url;
  let { headers, reach } = outgoing;
  for (let hops = 0; ; hops++) {
    const { incoming, location } = await once({ ...outgoing, url, headers, reach }, options);
    if (location === undefined) return incoming;
    if (outgoing.body !== undefined || outgoing.redirects === "refuse")
      throw refused(outgoing.url.host, incoming.status, "redirects, which is not followed here");
    const next = parseLocation(location, incoming);
    if (hops >= maxRedirects) throw refused(outgoing.url.host, incoming.status, "redirects too often");
    const refusal = { code: "unavailable", status: incoming.status } as const;
    reach = (await checkCrossing(url, next, options.borders, refusal)) ?? reach;
    if (next.origin !== url.origin) headers = withoutSecrets(headers);
    url = next;
  }
}

function refused(host: string, status: number, why: string): SourceError {
  return new SourceError("unavailable", `\`${host}\` ${why}`, { status, origin: host });
}

async function once(
  outgoing: Following,
  options: ExchangeOptions,
): Promise<{ readonly incoming: Incoming; readonly location?: string }> {
  const { url, blot } = outgoing;
  const started = options.now();
  const method = outgoing.body === undefined ? "GET" : "POST";
  const told = { method, url: blot(`${url.origin}${url.pathname}`) } as const;
  const tell = (more: Omit<RequestEvent, "method" | "url" | "milliseconds">): void =>
    options.onRequest?.({ ...told, milliseconds: options.now() - started, ...more });
  outgoing.count();
  let status: number | undefined;
  try {
    const answer = await send(outgoing, method, options);
    status = answer.status;
    const location = isRedirect(status) ? answer.headers.get("location") : null;
    const body = bodyOf(answer, outgoing, options.turns);
    // Nobody wants a redirect's text: it is read so that the connection can be used again.
    const bytes = await (location === null ? body : body.catch(() => new Uint8Array()));
    tell({ status, bytes: bytes.byteLength });
    const said = (text: string, limit?: number): string => shown(blot(text), limit);
    const incoming = { url, status, headers: answer.headers, bytes, said };
    return location === null ? { incoming } : { incoming, location };
  } catch (error) {
    const problem = networkError(error, outgoing);
    tell({
      ...(status === undefined ? {} : { status }),
      bytes: 0,
      error: problem instanceof Error ? blot(problem.message) : "",
    });
    throw problem;
  }
}

function send(outgoing: Outgoing, method: "GET" | "POST", options: ExchangeOptions): Promise<WireAnswer> {
  const headers = {
    "accept-encoding": "identity",
    "user-agent": "assay",
    ...outgoing.headers,
    ...(outgoing.body === undefined ? {} : { "content-type": outgoing.body.type }),
  };
  const wire = outgoing.reach?.kind === "public" ? options.publicWire : options.wire;
  return wire({ url: outgoing.url, method, headers, body: outgoing.body?.text, signal: outgoing.signal });
}

async function bodyOf(answer: WireAnswer, outgoing: Outgoing, turns: ByteTurns): Promise<Uint8Array> {
  const { host } = outgoing.url;
  const isGood = answer.status >= 200 && answer.status < 300;
  if (isGood) return readBody(answer, { limit: outgoing.limit, origin: host, turns });
  // An error's text only helps people: an over-long or compressed one is left away.
  return readBody(answer, { limit: errorBytes, origin: host, turns }).catch((error: unknown) => {
    if (error instanceof SourceError) return new Uint8Array();
    throw error;
  });
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function parseLocation(location: string, { url: base, said, status }: Incoming): URL {
  const next = URL.canParse(location, base.href) ? new URL(location, base) : undefined;
  if (next !== undefined) return next;
  const message = `\`${base.host}\` redirects to \`${said(location)}\`, which is no address`;
  throw new SourceError("unavailable", message, { origin: base.host, status });
}

/** INVARIANT: nothing but what we would accept goes to another origin: tokens of every kind stay behind. */
function withoutSecrets(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name === "accept"));
}

/** What a wire throws, as ours. Where that is a `fetch`, the cause says why (refused, unknown host, certificate). */
function networkError(error: unknown, outgoing: Outgoing): unknown {
  if (outgoing.signal.aborted) return outgoing.signal.reason;
  if (error instanceof SourceError) return error;
  if (error instanceof RefusedAddress && outgoing.reach?.kind === "public") {
    return outgoing.reach.refuse(error.message);
  }
  const { host } = outgoing.url;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = cause instanceof Error ? cause.message || code || cause.name : String(cause);
  const message = `\`${host}\` could not be reached: ${shown(reason)}${hint(code, reason)}`;
  return new SourceError("unavailable", message, { origin: host, cause: error });
}

function hint(code: string, reason: string): string {
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)/.test(code))
    return " (is its CA your own? `NODE_EXTRA_CA_CERTS=ca.pem` in the environment adds it)";
  if (/EPROTO|SSL|wrong version/i.test(`${code} ${reason}`))
    return " (does it speak plain http? `--insecure-registry` or `insecureHosts` allows it)";
  if (code === "ENOTFOUND") return " (is the host's name spelt right?)";
  return "";
}
