import { ConditionError } from "../condition-error.ts";
import { hostName, parseUrl } from "../go/go-url.ts";
import { type Address, parseAddress } from "../go/ip-address.ts";

/**
 * Kyverno's `is_external_url`: whether the host's address is neither loopback nor private. Link-local, shared and
 * unspecified addresses count as external there, and so here.
 * Only literal addresses have an answer: names would have to be looked up, which an expression never does.
 */
export function isExternalUrl(text: string): boolean {
  const url = parseUrl(text);
  if (url === undefined) {
    throw new ConditionError(`\`${text.slice(0, 80)}\` is no URL`, { code: "badText" });
  }
  const host = hostName(url);
  // A zone says nothing about where an address is.
  const address = parseAddress(host.includes(":") ? host.replace(/%.+$/s, "") : host);
  if (address === undefined) {
    throw new ConditionError(`the host \`${host.slice(0, 80)}\` is a name, and names are not looked up`, {
      code: "unsupported",
    });
  }
  return !isLoopback(address) && !isPrivate(address);
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
