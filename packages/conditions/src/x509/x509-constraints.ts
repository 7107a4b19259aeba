import { parseAddress } from "../go/ip-address.ts";
import type { Json, JsonObject } from "../json.ts";
import {
  children,
  type Der,
  isDone,
  malformed,
  onlyElement,
  readAny,
  readerOf,
  readOptional,
} from "./der.ts";
import { ascii, base64 } from "./x509-values.ts";

/** What the names below a certificate must or must not be, as Go lists it. */
export interface NameConstraints {
  readonly fields: JsonObject;
  /** Whether there are constraints of a kind that Go does not know. */
  readonly unhandled: boolean;
}

/** Reads the extension. Throws `badText` for what Go refuses. */
export function nameConstraints(value: Uint8Array): NameConstraints {
  const row = readerOf(onlyElement(value, 0x30, "name constraints").content);
  const permitted = readOptional(row, 0xa0) ?? new Uint8Array();
  const excluded = readOptional(row, 0xa1) ?? new Uint8Array();
  if (!isDone(row) || permitted.length + excluded.length === 0) throw malformed("name constraints");
  const sides = [namesOf(permitted), namesOf(excluded)] as const;
  return {
    fields: { ...prefixed("Permitted", sides[0]), ...prefixed("Excluded", sides[1]) },
    unhandled: sides.some(({ unhandled }) => unhandled),
  };
}

interface Names {
  readonly DNSDomains: Json[];
  readonly IPRanges: Json[];
  readonly EmailAddresses: Json[];
  readonly URIDomains: Json[];
  unhandled: boolean;
}

function prefixed(prefix: string, { unhandled: _, ...lists }: Names): JsonObject {
  const entries = Object.entries(lists) as [string, Json[]][];
  return Object.fromEntries(
    entries.map(([name, list]) => [`${prefix}${name}`, list.length === 0 ? null : list]),
  );
}

function namesOf(subtrees: Uint8Array): Names {
  const names: Names = { DNSDomains: [], IPRanges: [], EmailAddresses: [], URIDomains: [], unhandled: false };
  for (const { tag, content } of children(subtrees)) {
    if (tag !== 0x30) throw malformed("name constraint");
    addName(names, readAny(readerOf(content)));
  }
  return names;
}

function addName(names: Names, { tag, content }: Der): void {
  switch (tag) {
    case 0x82:
      names.DNSDomains.push(domain(ascii(content, "name constraint")));
      return;
    case 0x81: {
      const text = ascii(content, "name constraint");
      if (text.includes("@") ? !isMailbox(text) : !isDomain(text, true)) throw malformed("name constraint");
      names.EmailAddresses.push(text);
      return;
    }
    case 0x86: {
      const text = ascii(content, "name constraint");
      if (parseAddress(text) !== undefined) throw malformed("a name constraint on URIs is an address");
      names.URIDomains.push(domain(text));
      return;
    }
    case 0x87:
      names.IPRanges.push(addressRange(content));
      return;
    default:
      names.unhandled = true;
  }
}

function domain(text: string): string {
  if (!isDomain(text, true)) throw malformed("name constraint");
  return text;
}

/** Visible characters, and no empty label; a constraint may begin with a dot. */
export function isDomain(text: string, constraint: boolean): boolean {
  if (text === "") return true;
  const name = constraint && text.startsWith(".") ? text.slice(1) : text;
  return /^[!-~]+$/.test(name) && !name.split(".").includes("");
}

/** A mailbox of RFC 2821: a quoted text or atoms, an at sign, and a domain. */
function isMailbox(text: string): boolean {
  const quoted = /^"(?:[^\0\t\n\r"\\]|\\[^\0\n\r])*"/.exec(text);
  const local = quoted?.[0] ?? atoms(text);
  if (local === undefined || text.charAt(local.length) !== "@") return false;
  return isDomain(text.slice(local.length + 1), true);
}

function atoms(text: string): string | undefined {
  const [local] = /^(?:[\w!#$%&'*+\-/=?^`{|}~.]|\\.)*/s.exec(text) ?? [""];
  const plain = local.replace(/\\(.)/gs, "$1");
  return plain === "" || plain.startsWith(".") || plain.endsWith(".") || plain.includes("..")
    ? undefined
    : local;
}

function addressRange(content: Uint8Array): JsonObject {
  if (content.length !== 8 && content.length !== 32) throw malformed("range of addresses");
  const half = content.length / 2;
  const mask = content.subarray(half);
  const ones = [...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(ones)) throw malformed("range of addresses");
  return { IP: addressText(content.subarray(0, half)), Mask: base64(mask) };
}

/** An address of four or sixteen bytes. */
export function addressText(content: Uint8Array): string {
  if (content.length === 4) return [...content].join(".");
  if (content.length !== 16) throw malformed("IP address");
  const groups = Array.from(
    { length: 8 },
    (_, at) => (content[at * 2] ?? 0) * 256 + (content[at * 2 + 1] ?? 0),
  );
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [...content.subarray(12)].join(".");
  const [start, length] = longestZeros(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  groups.forEach((_, start) => {
    const end = groups.findIndex((group, at) => at >= start && group !== 0);
    const length = (end < 0 ? groups.length : end) - start;
    if (length > best[1]) best = [start, length];
  });
  return best;
}
