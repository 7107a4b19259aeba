import { ConditionError } from "./condition-error.ts";

const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/;

/**
 * Kyverno's `is_external_url`: whether the host's address is neither loopback nor private. Link-local, shared and
 * unspecified addresses count as external there, and so here.
 * Only literal addresses have an answer: names would have to be looked up, which an expression never does.
 */
export function isExternalUrl(url: string): boolean {
  const host = hostOf(url);
  const address = parseIpv4(host) ?? parseIpv6(host);
  if (address === undefined) {
    throw new ConditionError(`the host \`${host.slice(0, 80)}\` is a name, and names are not looked up`, {
      code: "unsupported",
    });
  }
  return !isLoopback(address) && !isPrivate(address);
}

function invalid(url: string): ConditionError {
  return new ConditionError(`\`${url.slice(0, 80)}\` is no URL`, { code: "badText" });
}

function hostOf(url: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses exactly these in a URL
  if (/[\x00-\x1f\x7f]/.test(url)) throw invalid(url);
  const found = authority.exec(url)?.[1] ?? "";
  const host = found.slice(found.lastIndexOf("@") + 1);
  if (host.startsWith("[")) {
    const match = /^\[([^\]]*)\](?::[0-9]*)?$/.exec(host);
    if (match === null) throw invalid(url);
    return match[1] ?? "";
  }
  if (/[ <>"\\^`{|}]/.test(host) || !/^[^:]*(?::[0-9]*)?$/.test(host)) throw invalid(url);
  return host.replace(/:[0-9]*$/, "");
}

/** Four or sixteen bytes. */
type Address = readonly number[];

function parseIpv4(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): Address | undefined {
  if (!/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const rest = tail ?? [];
  const missing = 16 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const bytes = [...head, ...Array.from({ length: missing }, () => 0), ...rest];
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.slice(12) : bytes;
}

function groups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    const four = at === parts.length - 1 && part.includes(".") ? parseIpv4(part) : undefined;
    if (four !== undefined) bytes.push(...four);
    else if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return undefined;
    else bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255);
  }
  return bytes;
}

function isLoopback(address: Address): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.slice(0, 15).every((byte) => byte === 0) && address[15] === 1;
}

/** RFC 1918, and fc00::/7. */
function isPrivate([first = 0, second = 0, ...rest]: Address): boolean {
  if (rest.length > 2) return (first & 0xfe) === 0xfc;
  return first === 10 || (first === 172 && (second & 0xf0) === 16) || (first === 192 && second === 168);
}
