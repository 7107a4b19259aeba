import { Agent, type RequestOptions, request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Readable } from "node:stream";
import type { HostTls } from "./registry-fetch.ts";

/** What may be connected to. */
export interface AddressCheck {
  /** Addresses of a host name: those that are checked are those that are connected to. */
  readonly resolve: (hostname: string) => Promise<readonly string[]>;
  readonly refuses: (address: string) => boolean;
  /** By `host[:port]`. */
  readonly tlsFor: (host: string) => HostTls;
}

/** Thrown before a connection is made: a name leads to an address that is refused. */
export class RefusedAddress extends Error {
  override readonly name = "RefusedAddress";
}

type CheckedFetch = (
  url: URL,
  init: {
    readonly method: string;
    readonly headers: object;
    readonly body: string | null;
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/**
 * A `fetch` over https that looks at the addresses which it connects to, so that a name cannot lead to one place when it is
 * checked and to another when it is used. It follows no redirects and decodes nothing. Node's `fetch` cannot do this:
 * it takes no resolver without a dispatcher of the undici that Node bundles.
 */
export function checkedFetch(check: AddressCheck): CheckedFetch {
  // Connections of its own: one that somebody else opened was not checked.
  const agent = new Agent({ keepAlive: true, timeout: 30_000 });
  const lookup = checkedLookup(check);
  return (url, { method, headers, body, signal }) => {
    const bare = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(bare) !== 0 && check.refuses(bare)) return Promise.reject(new RefusedAddress(`it is ${bare}`));
    const options = { ...check.tlsFor(url.host), agent, lookup, method, headers, signal } as RequestOptions;
    return new Promise((resolve, reject) => {
      const sent = request(url, options, (incoming) => {
        const { statusCode: status = 0, rawHeaders } = incoming;
        try {
          const hasBody = status !== 204 && status !== 205 && status !== 304;
          if (!hasBody) incoming.resume();
          const stream = hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null;
          resolve(new Response(stream, { status, headers: pairs(rawHeaders) }));
        } catch (error) {
          // A status or a header that no answer may have.
          sent.destroy();
          reject(error);
        }
      });
      sent.on("error", reject);
      sent.end(body ?? undefined);
    });
  };
}

/** One refused address among several refuses the name, as when it is checked before. */
function checkedLookup({ resolve, refuses }: AddressCheck): LookupFunction {
  return (hostname, { all }, callback) => {
    const found = resolve(hostname).then((addresses) => {
      const refused = addresses.find(refuses);
      if (refused !== undefined) throw new RefusedAddress(`\`${hostname}\` is at ${refused}`);
      const known = addresses.map((address) => ({ address, family: isIP(address) }));
      const usable = known.filter(({ family }) => family !== 0);
      const [first] = usable;
      if (first === undefined)
        throw Object.assign(new Error(`\`${hostname}\` has no address`), { code: "ENOTFOUND" });
      return { first, usable };
    });
    found.then(
      ({ first, usable }) =>
        all === true ? callback(null, usable) : callback(null, first.address, first.family),
      (error: Error) => callback(error, []),
    );
  };
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? "", raw[2 * i + 1] ?? ""]);
}
