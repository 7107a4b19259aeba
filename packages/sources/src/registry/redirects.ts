import { SourceError } from "../source-error.ts";
import { isInsideName, isLoopbackName, isPrivateAddress } from "./addresses.ts";
import { isListed } from "./host-names.ts";

/** What decides where a registry may send us. Hosts as `hostsOf` has them. */
export interface Borders {
  /** Hosts (`host` or `host:port`) inside private networks that registries may redirect to, or use as token server. */
  readonly allowPrivateHosts: readonly string[];
  /** Hosts that may be asked by plain http. */
  readonly insecureHosts: readonly string[];
  /** Addresses of a host name. What it cannot resolve is left to the connection to fail. */
  readonly resolve: (hostname: string) => Promise<readonly string[]>;
}

/**
 * Where a request may be connected to. `public`: to no private address, whatever its name is found to mean when the
 * connection is made.
 */
export type Reach =
  | { readonly kind: "anywhere" }
  | { readonly kind: "public"; readonly refuse: (why: string) => SourceError };

/**
 * Checks a URL that a registry named (a redirect's target or a token realm) before anything is sent there. Throws
 * `refusal` with a status, since the registry did answer. On return: http(s) without user info, never from https down to http, and not on a private network unless
 * it is the host that named it, on whichever port, or was allowed. Returns how far the request may reach, undefined: as far as the one before.
 *
 * Somebody who controls the DNS of the target can answer differently when the connection is made: `public` has to be kept
 * to there.
 */
export async function checkCrossing(
  from: URL,
  to: URL,
  borders: Borders,
  refusal: { readonly code: "unavailable" | "unauthorized"; readonly status: number },
): Promise<Reach | undefined> {
  const refuse = (why: string): SourceError => {
    const message = `\`${from.host}\` sends us to \`${to.protocol}//${to.host}\`: ${why}`;
    return new SourceError(refusal.code, message, { origin: from.host, status: refusal.status });
  };
  if (to.protocol !== "https:" && to.protocol !== "http:") throw refuse("only http(s) is followed");
  if (to.username !== "" || to.password !== "") throw refuse("addresses with user info are not followed");
  if (from.protocol === "https:" && to.protocol === "http:") throw refuse("https is never left for http");
  if (to.host === from.host) return undefined;
  const allowed = isListed(borders.allowPrivateHosts, to);
  const http = to.protocol === "http:";
  if (http && !allowed && !isListed(borders.insecureHosts, to) && !isLoopbackName(to.hostname)) {
    throw refuse("plain http to another host is refused unless it is among the insecure hosts");
  }
  if (allowed || (http && isListed(borders.insecureHosts, to))) return { kind: "anywhere" };
  const inside =
    "that is a private address; if it is meant, `--allow-private-host` or `allowPrivateHosts` allows it";
  if (await isInside(to.hostname, borders)) {
    // Where we are already, at a private registry whose token server has a port of its own (GitLab, docker auth). By https, so
    // that whoever answers there has proven to be of that name, too.
    if (!http && sameHostname(from, to)) return undefined;
    throw refuse(inside);
  }
  return { kind: "public", refuse: (why) => refuse(`${inside} (${why} when it is connected to)`) };
}

/** For realms: the same host on another port is the same machine's token server (GitLab, docker auth). */
export function sameHostname(a: URL, b: URL): boolean {
  return a.hostname === b.hostname;
}

async function isInside(hostname: string, borders: Borders): Promise<boolean> {
  if (isPrivateAddress(hostname) || isInsideName(hostname)) return true;
  const addresses = await borders.resolve(hostname).catch(() => []);
  return addresses.some(isPrivateAddress);
}
