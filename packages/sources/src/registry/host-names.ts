import { SourceError, shownAddress } from "../source-error.ts";

/**
 * `host[:port]` in the one spelling that stands for all: lower case, no zeros before the port, IPv6 as URLs have it.
 * Undefined: it is none. A port that a scheme implies stays as it is written.
 */
export function canonicalHost(text: string): string | undefined {
  const match = /^(\[[0-9a-f:.]{2,64}\]|[a-z0-9._-]{1,255})(?::([0-9]{1,16}))?$/i.exec(text);
  const [, name, port] = match ?? [];
  const hostname = name?.startsWith("[") === true ? canonicalAddress(name) : name?.toLowerCase();
  if (hostname === undefined || (port !== undefined && Number(port) > 65_535)) return undefined;
  return port === undefined ? hostname : `${hostname}:${Number(port)}`;
}

function canonicalAddress(bracketed: string): string | undefined {
  const url = `http://${bracketed}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/**
 * Hosts of an option, in one spelling each. Throws `SourceError` `misuse` for what is none: a setting that never matches
 * would be heeded by nobody, and missed by its author alone.
 */
export function hostsOf(given: readonly string[] | undefined, option: string): readonly string[] {
  return (given ?? []).map((host) => {
    const canonical = canonicalHost(host);
    if (canonical !== undefined) return canonical;
    const message = `\`${option}\` has \`${shownAddress(host)}\`, which is no \`host\` or \`host:port\``;
    throw new SourceError("misuse", message, { origin: option });
  });
}

/** Whether one of the hosts, or of the hosts with their port, is where a URL leads. */
export function isListed(hosts: readonly string[], url: URL): boolean {
  return hosts.includes(url.hostname) || hosts.includes(withPort(url.host, url.protocol));
}

/** Whether one of the hosts is the same place as `host`, where nothing is said of a port that `scheme` implies. */
export function isAmong(hosts: readonly string[], host: string, scheme: "http" | "https"): boolean {
  return hosts.some((one) => withPort(one, `${scheme}:`) === withPort(host, `${scheme}:`));
}

/** The host with its port, where it is the one that the scheme implies too. */
export function withPort(host: string, protocol: string): string {
  return /:[0-9]+$/.test(host) ? host : `${host}:${protocol === "https:" ? 443 : 80}`;
}
