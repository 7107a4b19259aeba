import { Buffer } from "node:buffer";
import { goText } from "./go-text.ts";
import { parseAddress } from "./ip-address.ts";

/** Go's `url.URL`, with the names that its JSON has. */
export interface GoUrl {
  readonly Scheme: string;
  readonly Opaque: string;
  readonly User: null | Readonly<Record<string, never>>;
  readonly Host: string;
  readonly Path: string;
  readonly Fragment: string;
  readonly RawQuery: string;
  readonly RawPath: string;
  readonly RawFragment: string;
  readonly ForceQuery: boolean;
  readonly OmitHost: boolean;
}

const empty: GoUrl = {
  Scheme: "",
  Opaque: "",
  User: null,
  Host: "",
  Path: "",
  Fragment: "",
  RawQuery: "",
  RawPath: "",
  RawFragment: "",
  ForceQuery: false,
  OmitHost: false,
};

/** `url.Parse`; `undefined` where it errs. */
export function parseUrl(text: string): GoUrl | undefined {
  const hash = text.indexOf("#");
  const url = parseWithoutFragment(hash < 0 ? text : text.slice(0, hash));
  const raw = hash < 0 ? "" : text.slice(hash + 1);
  if (url === undefined || !isEscaped(raw)) return undefined;
  const fragment = percentDecode(raw);
  const usual = raw === percentEncode(fragment, /[A-Za-z0-9_.~$&+,/:;=?@!()*-]/);
  return { ...url, Fragment: goText(fragment), RawFragment: usual ? "" : raw };
}

function parseWithoutFragment(text: string): GoUrl | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses exactly these
  if (/[\x00-\x1f\x7f]/.test(text) || text.startsWith(":")) return undefined;
  if (text === "*") return { ...empty, Path: "*" };
  const [whole = "", written = ""] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text) ?? [];
  const mark = text.indexOf("?", whole.length);
  const rest = text.slice(whole.length, mark < 0 ? text.length : mark);
  const query = mark < 0 ? "" : text.slice(mark + 1);
  const url = {
    ...empty,
    Scheme: written.toLowerCase(),
    RawQuery: query,
    ForceQuery: mark >= 0 && query === "",
  };
  if (!rest.startsWith("/")) {
    if (url.Scheme !== "") return { ...url, Opaque: rest };
    if (rest.split("/", 1)[0]?.includes(":")) return undefined;
  }
  if (!rest.startsWith("//") || (url.Scheme === "" && rest.startsWith("///"))) {
    return withPath({ ...url, OmitHost: url.Scheme !== "" }, rest);
  }
  const slash = rest.indexOf("/", 2);
  const end = slash < 0 ? rest.length : slash;
  const authority = parseAuthority(rest.slice(2, end), url.Scheme);
  return authority === undefined ? undefined : withPath({ ...url, ...authority }, rest.slice(end));
}

function withPath(url: GoUrl, raw: string): GoUrl | undefined {
  if (!isEscaped(raw)) return undefined;
  const path = percentDecode(raw);
  const usual = raw === percentEncode(path, /[A-Za-z0-9_.~$&+,/:;=@-]/);
  return { ...url, Path: goText(path), RawPath: usual ? "" : raw };
}

function parseAuthority(authority: string, scheme: string): Pick<GoUrl, "User" | "Host"> | undefined {
  const at = authority.lastIndexOf("@");
  const user = at < 0 ? "" : authority.slice(0, at);
  const host = parseHost(authority.slice(at + 1), scheme);
  if (host === undefined || !/^[A-Za-z0-9._:~!$&'()*+,;=%@-]*$/.test(user) || !isEscaped(user))
    return undefined;
  return { User: at < 0 ? null : {}, Host: host };
}

function parseHost(host: string, scheme: string): string | undefined {
  const bracket = host.lastIndexOf("[");
  if (bracket === 0) return bracketed(host);
  // Other schemes may have several hosts with ports.
  const colon = /^https?$/.test(scheme) ? host.indexOf(":") : host.lastIndexOf(":");
  const port = colon < 0 ? "" : host.slice(colon + 1);
  if (bracket > 0 || !/^[0-9]*$/.test(port)) return undefined;
  // Only what is no ASCII may be escaped.
  return /^(?:[A-Za-z0-9_.~!$&'()*+,;=:[\]<>"-]|[^\0-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])*$/.test(host)
    ? goText(percentDecode(host))
    : undefined;
}

/** An address of IP version 6; `%25` stands before its zone. */
function bracketed(host: string): string | undefined {
  const match = /^\[([^[\]%]*)(?:%25([^[\]]+))?\]((?::[0-9]*)?)$/.exec(host);
  if (match === null || !(match[1] ?? "").includes(":")) return undefined;
  const [, address = "", zone, port = ""] = match;
  if (parseAddress(address) === undefined) return undefined;
  if (zone === undefined) return `[${address}]${port}`;
  const decoded = decodeZone(zone);
  return decoded === undefined ? undefined : `[${address}%${decoded}]${port}`;
}

/** What may stand in a host may be escaped here, and a space must be. */
function decodeZone(zone: string): string | undefined {
  if (!/^(?:[!-$&-~]|[^\0-\x7f]|%[2-7][0-9A-Fa-f])+$/.test(zone)) return undefined;
  const decoded = goText(percentDecode(zone));
  return /^(?:[A-Za-z0-9_.~!$&'()*+,;=:[\]<>"% -]|[^\0-\x7f])+$/.test(decoded) ? decoded : undefined;
}

/** `Hostname()`: without port and brackets. */
export function hostName({ Host }: GoUrl): string {
  return Host.replace(/:[0-9]*$/, "").replace(/^\[(.*)\]$/s, "$1");
}

/** Whether each `%` begins an escape. */
function isEscaped(text: string): boolean {
  return !/%(?![0-9A-Fa-f]{2})/.test(text);
}

function percentDecode(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const percent = bytes[at] === 0x25;
    bytes[length++] = percent
      ? Number.parseInt(bytes.toString("latin1", at + 1, at + 3), 16)
      : (bytes[at] ?? 0);
    if (percent) at += 2;
  }
  return bytes.subarray(0, length);
}

function percentEncode(bytes: Buffer, plain: RegExp): string {
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return plain.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
