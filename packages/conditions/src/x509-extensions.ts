import { Buffer } from "node:buffer";
import { child, children, type Der, integer, malformed, objectIdentifier, readDer, text } from "./der.ts";
import { parseUrl } from "./go-url.ts";
import type { Json, JsonObject } from "./json.ts";

/** An extension as Go lists it, and its parts. */
export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
  readonly json: JsonObject;
}

/** The extensions in a sequence. */
export function extensionList(sequence: Der): readonly Extension[] {
  return children(sequence.content).map((element) => {
    const row = children(element.content);
    const oid = objectIdentifier(child(row, 0, 0x06).content);
    const critical = row[1]?.tag === 0x01 && row[1].content[0] !== 0;
    const { content } = child(row, row[1]?.tag === 0x01 ? 2 : 1, 0x04);
    const json = { Id: oid, Critical: critical, Value: Buffer.from(content).toString("base64") };
    return { id: oid.join("."), critical, value: content, json };
  });
}

type Fields = Record<string, Json>;
type Read = (value: Der, fields: Fields) => void;

/** What Go's parser understands, by object identifier. */
const readers: Readonly<Record<string, Read>> = {
  "2.5.29.14": (value, fields) => set(fields, "SubjectKeyId", bytes(value.content)),
  "2.5.29.15": keyUsage,
  "2.5.29.17": (value, fields) => Object.assign(fields, alternativeNames(value)),
  "2.5.29.19": basicConstraints,
  "2.5.29.30": nameConstraints,
  "2.5.29.31": distributionPoints,
  "2.5.29.32": policies,
  "2.5.29.35": (value, fields) => {
    const id = children(value.content).find(({ tag }) => tag === 0x80);
    if (id !== undefined) set(fields, "AuthorityKeyId", bytes(id.content));
  },
  "2.5.29.37": extendedKeyUsage,
  "1.3.6.1.5.5.7.1.1": authorityInformation,
};

/** The fields of Go's `x509.Certificate` that follow from its extensions, all of them, with Go's empty values. */
export function certificateExtensions(extensions: readonly Extension[]): JsonObject {
  const fields: Fields = {
    KeyUsage: 0,
    Extensions: extensions.length === 0 ? null : extensions.map(({ json }) => json),
    ExtraExtensions: null,
    UnhandledCriticalExtensions: null,
    ExtKeyUsage: null,
    UnknownExtKeyUsage: null,
    BasicConstraintsValid: false,
    IsCA: false,
    MaxPathLen: 0,
    MaxPathLenZero: false,
    SubjectKeyId: null,
    AuthorityKeyId: null,
    OCSPServer: null,
    IssuingCertificateURL: null,
    DNSNames: null,
    EmailAddresses: null,
    IPAddresses: null,
    URIs: null,
    PermittedDNSDomainsCritical: false,
    PermittedDNSDomains: null,
    ExcludedDNSDomains: null,
    PermittedIPRanges: null,
    ExcludedIPRanges: null,
    PermittedEmailAddresses: null,
    ExcludedEmailAddresses: null,
    PermittedURIDomains: null,
    ExcludedURIDomains: null,
    CRLDistributionPoints: null,
    PolicyIdentifiers: null,
    Policies: null,
    InhibitAnyPolicy: 0,
    InhibitAnyPolicyZero: false,
    InhibitPolicyMapping: 0,
    InhibitPolicyMappingZero: false,
    RequireExplicitPolicy: 0,
    RequireExplicitPolicyZero: false,
    PolicyMappings: null,
  };
  for (const { id, critical, value, json } of extensions) {
    const read = Object.hasOwn(readers, id) ? readers[id] : undefined;
    read?.(readDer(value), fields);
    if (id === "2.5.29.30") set(fields, "PermittedDNSDomainsCritical", critical);
    if (read === undefined && critical) append(fields, "UnhandledCriticalExtensions", json["Id"] ?? null);
  }
  return fields;
}

/** The names that a certificate request asks for. */
export function subjectAlternativeNames(extensions: readonly Extension[]): JsonObject {
  const none = { DNSNames: null, EmailAddresses: null, IPAddresses: null, URIs: null };
  const found = extensions.find(({ id }) => id === "2.5.29.17");
  return found === undefined ? none : { ...none, ...alternativeNames(readDer(found.value)) };
}

function set(fields: Fields, name: string, value: Json): void {
  fields[name] = value;
}

function append(fields: Fields, name: string, value: Json): void {
  const list = fields[name];
  fields[name] = Array.isArray(list) ? [...list, value] : [value];
}

function bytes(content: Uint8Array): string {
  return Buffer.from(content).toString("base64");
}

function alternativeNames(sequence: Der): Fields {
  const fields: Fields = {};
  for (const name of children(sequence.content)) {
    if (name.tag === 0x82) append(fields, "DNSNames", text(name));
    else if (name.tag === 0x81) append(fields, "EmailAddresses", text(name));
    else if (name.tag === 0x86) append(fields, "URIs", urlFields(text(name)));
    else if (name.tag === 0x87) append(fields, "IPAddresses", addressText(name.content));
  }
  return fields;
}

/** What Go reads: ASCII, and a host of visible characters without an empty label. */
function urlFields(url: string): JsonObject {
  const fields = /^[\0-\x7f]*$/.test(url) ? parseUrl(url) : undefined;
  if (fields === undefined || !/^(?:[!-~]+(?<!\.))?$/.test(fields.Host) || /^\.|\.\./.test(fields.Host)) {
    throw malformed("URI");
  }
  return { ...fields };
}

function addressText(content: Uint8Array): string {
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

function keyUsage({ content }: Der, fields: Fields): void {
  let usage = 0;
  for (let bit = 0; bit < 9; bit++) {
    const byte = content[1 + (bit >> 3)] ?? 0;
    if ((byte & (0x80 >> (bit & 7))) !== 0) usage |= 1 << bit;
  }
  set(fields, "KeyUsage", usage);
}

const usages = [
  "2.5.29.37.0",
  "1.3.6.1.5.5.7.3.1",
  "1.3.6.1.5.5.7.3.2",
  "1.3.6.1.5.5.7.3.3",
  "1.3.6.1.5.5.7.3.4",
  "1.3.6.1.5.5.7.3.5",
  "1.3.6.1.5.5.7.3.6",
  "1.3.6.1.5.5.7.3.7",
  "1.3.6.1.5.5.7.3.8",
  "1.3.6.1.5.5.7.3.9",
  "1.3.6.1.4.1.311.10.3.3",
  "2.16.840.1.113730.4.1",
  "1.3.6.1.4.1.311.2.1.22",
  "1.3.6.1.4.1.311.61.1.1",
];

function extendedKeyUsage({ content }: Der, fields: Fields): void {
  for (const element of children(content)) {
    const oid = objectIdentifier(element.content);
    const known = usages.indexOf(oid.join("."));
    if (known >= 0) append(fields, "ExtKeyUsage", known);
    else append(fields, "UnknownExtKeyUsage", oid);
  }
}

function basicConstraints({ content }: Der, fields: Fields): void {
  const row = children(content);
  const authority = row[0]?.tag === 0x01 && row[0].content[0] !== 0;
  const limit = row.find(({ tag }) => tag === 0x02);
  const length = limit === undefined ? -1 : Number(integer(limit.content));
  set(fields, "BasicConstraintsValid", true);
  set(fields, "IsCA", authority);
  set(fields, "MaxPathLen", length);
  set(fields, "MaxPathLenZero", length === 0);
}

function nameConstraints({ content }: Der, fields: Fields): void {
  for (const side of children(content)) {
    const prefix = side.tag === 0xa0 ? "Permitted" : "Excluded";
    for (const subtree of children(side.content)) {
      const [name] = children(subtree.content);
      if (name === undefined) throw malformed("name constraint");
      if (name.tag === 0x82) append(fields, `${prefix}DNSDomains`, text(name));
      else if (name.tag === 0x81) append(fields, `${prefix}EmailAddresses`, text(name));
      else if (name.tag === 0x86) append(fields, `${prefix}URIDomains`, text(name));
      else if (name.tag === 0x87) append(fields, `${prefix}IPRanges`, addressRange(name.content));
    }
  }
}

function addressRange(content: Uint8Array): JsonObject {
  const half = content.length / 2;
  return { IP: addressText(content.subarray(0, half)), Mask: bytes(content.subarray(half)) };
}

function distributionPoints({ content }: Der, fields: Fields): void {
  for (const point of children(content)) {
    const name = children(point.content).find(({ tag }) => tag === 0xa0);
    const full = name === undefined ? undefined : children(name.content).find(({ tag }) => tag === 0xa0);
    for (const uri of full === undefined ? [] : children(full.content)) {
      if (uri.tag === 0x86) append(fields, "CRLDistributionPoints", text(uri));
    }
  }
}

function policies({ content }: Der, fields: Fields): void {
  for (const policy of children(content)) {
    const oid = objectIdentifier(child(children(policy.content), 0, 0x06).content);
    append(fields, "PolicyIdentifiers", oid);
    append(fields, "Policies", oid.join("."));
  }
}

function authorityInformation({ content }: Der, fields: Fields): void {
  for (const access of children(content)) {
    const [method, location] = children(access.content);
    if (method === undefined || location === undefined || location.tag !== 0x86) continue;
    const oid = objectIdentifier(method.content).join(".");
    if (oid === "1.3.6.1.5.5.7.48.1") append(fields, "OCSPServer", text(location));
    else if (oid === "1.3.6.1.5.5.7.48.2") append(fields, "IssuingCertificateURL", text(location));
  }
}
