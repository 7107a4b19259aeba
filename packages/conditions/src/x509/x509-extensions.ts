import { Buffer } from "node:buffer";
import { goText } from "../go/go-text.ts";
import { parseUrl } from "../go/go-url.ts";
import type { Json, JsonObject } from "../json.ts";
import {
  bits,
  boolean,
  childrenOf,
  isDone,
  isNext,
  malformed,
  read,
  readAny,
  readerOf,
  readIdentifier,
  readOptional,
  smallInteger,
} from "./der.ts";
import { addressText, isDomain, nameConstraints } from "./x509-constraints.ts";
import { policies, policyMappings } from "./x509-policies.ts";
import { ascii, base64 } from "./x509-values.ts";

/** An extension as Go lists it, and its parts. */
export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
  readonly json: JsonObject;
}

/** The extensions in a row, each of which may stand there once. */
export function extensionList(list: Uint8Array): readonly Extension[] {
  const extensions = childrenOf(list, 0x30, "extension").map(({ content }) => extensionOf(content));
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length) {
    throw malformed("an extension stands there twice");
  }
  return extensions;
}

function extensionOf(content: Uint8Array): Extension {
  const row = readerOf(content);
  const oid = readIdentifier(row);
  const flag = readOptional(row, 0x01);
  const critical = flag !== undefined && boolean(flag);
  const value = read(row, 0x04, "value of an extension");
  const json = { Id: [...oid], Critical: critical, Value: base64(value) };
  return { id: oid.join("."), critical, value, json };
}

/** The fields that an extension sets; `undefined` when Go counts it as one that it does not know. */
type Read = (extension: Extension) => JsonObject | undefined;

/** What Go's parser understands, by object identifier. */
const readers: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["2.5.29.14", subjectKey],
  ["2.5.29.15", ({ value }) => ({ KeyUsage: keyUsage(value) })],
  ["2.5.29.17", namesOrNone],
  ["2.5.29.19", ({ value }) => basicConstraints(value)],
  ["2.5.29.31", ({ value }) => distributionPoints(value)],
  ["2.5.29.32", ({ value }) => policies(value)],
  ["2.5.29.33", ({ value }) => policyMappings(value)],
  ["2.5.29.35", authorityKey],
  ["2.5.29.36", ({ value }) => policyConstraints(value)],
  ["2.5.29.37", ({ value }) => extendedKeyUsage(value)],
  ["2.5.29.54", ({ value }) => inhibitAnyPolicy(value)],
  ["1.3.6.1.5.5.7.1.1", authorityInformation],
]);

/** Go's empty values. */
const none: JsonObject = {
  KeyUsage: 0,
  Extensions: null,
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

/** The fields of Go's `x509.Certificate` that follow from its extensions, all of them. */
export function certificateExtensions(extensions: readonly Extension[]): JsonObject {
  const fields: Record<string, Json> = { ...none };
  const unhandled: Json[] = [];
  for (const extension of extensions) {
    const made = extension.id === "2.5.29.30" ? constraints(extension) : fieldsOf(extension);
    Object.assign(fields, made.fields);
    if (extension.critical && made.unhandled) unhandled.push(extension.json["Id"] ?? null);
  }
  if (extensions.length > 0) fields["Extensions"] = extensions.map(({ json }) => json);
  if (unhandled.length > 0) fields["UnhandledCriticalExtensions"] = unhandled;
  return fields;
}

function fieldsOf(extension: Extension): { fields: JsonObject; unhandled: boolean } {
  const fields = readers.get(extension.id)?.(extension);
  return { fields: fields ?? {}, unhandled: fields === undefined };
}

function constraints({ value, critical }: Extension): { fields: JsonObject; unhandled: boolean } {
  const { fields, unhandled } = nameConstraints(value);
  return { fields: { ...fields, PermittedDNSDomainsCritical: critical }, unhandled };
}

function listOrNull(list: readonly Json[]): Json {
  return list.length === 0 ? null : list;
}

/** Bytes that Go takes for text as they are. */
function rawText(content: Uint8Array): string {
  return goText(Buffer.from(content));
}

/** Must not be critical, as Go demands of some extensions. */
function mild({ critical, value }: Extension): Uint8Array {
  if (critical) throw malformed("an extension must not be critical");
  return value;
}

function subjectKey(extension: Extension): JsonObject {
  return { SubjectKeyId: base64(read(readerOf(mild(extension)), 0x04, "key identifier")) };
}

function authorityKey(extension: Extension): JsonObject {
  const row = readerOf(read(readerOf(mild(extension)), 0x30, "key identifier"));
  const id = readOptional(row, 0x80);
  return { AuthorityKeyId: id === undefined ? null : base64(id) };
}

function keyUsage(value: Uint8Array): number {
  const { bytes } = bits(read(readerOf(value), 0x03, "key usage"));
  let usage = 0;
  for (let bit = 0; bit < 9; bit++) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) usage |= 1 << bit;
  }
  return usage;
}

/** No names at all. */
export const noAlternativeNames = { DNSNames: null, EmailAddresses: null, IPAddresses: null, URIs: null };

/** The names that stand in an extension. */
export function alternativeNames(value: Uint8Array): JsonObject {
  const [dns, emails, uris, addresses]: Json[][] = [[], [], [], []];
  const names = readerOf(read(readerOf(value), 0x30, "names"));
  while (!isDone(names)) {
    const { tag, content } = readAny(names);
    if (tag === 0x82) dns?.push(ascii(content, "name"));
    else if (tag === 0x81) emails?.push(ascii(content, "name"));
    else if (tag === 0x86) uris?.push(urlFields(ascii(content, "name")));
    else if (tag === 0x87) addresses?.push(addressText(content));
  }
  return {
    DNSNames: listOrNull(dns ?? []),
    EmailAddresses: listOrNull(emails ?? []),
    IPAddresses: listOrNull(addresses ?? []),
    URIs: listOrNull(uris ?? []),
  };
}

function namesOrNone({ value }: Extension): JsonObject | undefined {
  const names = alternativeNames(value);
  return Object.values(names).some((list) => list !== null) ? names : undefined;
}

function urlFields(text: string): JsonObject {
  const url = parseUrl(text);
  if (url === undefined || !isDomain(url.Host, false)) throw malformed("URI");
  return { ...url };
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

function extendedKeyUsage(value: Uint8Array): JsonObject {
  const row = readerOf(read(readerOf(value), 0x30, "extended key usage"));
  const [known, unknown]: [Json[], Json[]] = [[], []];
  while (!isDone(row)) {
    const oid = readIdentifier(row);
    const usage = usages.indexOf(oid.join("."));
    if (usage >= 0) known.push(usage);
    else unknown.push([...oid]);
  }
  return { ExtKeyUsage: listOrNull(known), UnknownExtKeyUsage: listOrNull(unknown) };
}

function basicConstraints(value: Uint8Array): JsonObject {
  const row = readerOf(read(readerOf(value), 0x30, "basic constraints"));
  const authority = readOptional(row, 0x01);
  const limit = readOptional(row, 0x02);
  const length = limit === undefined ? -1 : smallInteger(limit);
  if (limit !== undefined && length < 0) throw malformed("basic constraints");
  return {
    BasicConstraintsValid: true,
    IsCA: authority !== undefined && boolean(authority),
    MaxPathLen: length,
    MaxPathLenZero: length === 0,
  };
}

function policyConstraints(value: Uint8Array): JsonObject {
  const row = readerOf(read(readerOf(value), 0x30, "policy constraints"));
  const [explicit, mapping] = [readOptional(row, 0x80), readOptional(row, 0x81)];
  return { ...counted("RequireExplicitPolicy", explicit), ...counted("InhibitPolicyMapping", mapping) };
}

function inhibitAnyPolicy(value: Uint8Array): JsonObject {
  return counted("InhibitAnyPolicy", read(readerOf(value), 0x02, "inhibited policies"));
}

/** Go keeps apart a 0 that is there from one that is not. */
function counted(name: string, content: Uint8Array | undefined): JsonObject {
  if (content === undefined) return {};
  const count = smallInteger(content);
  return { [name]: count, [`${name}Zero`]: count === 0 };
}

function distributionPoints(value: Uint8Array): JsonObject {
  const points = readerOf(read(readerOf(value), 0x30, "distribution points"));
  const urls: Json[] = [];
  while (!isDone(points)) {
    const name = readOptional(readerOf(read(points, 0x30, "distribution point")), 0xa0);
    if (name === undefined) continue;
    const full = readerOf(read(readerOf(name), 0xa0, "distribution point"));
    while (isNext(full, 0x86)) urls.push(rawText(readAny(full).content));
  }
  return { CRLDistributionPoints: listOrNull(urls) };
}

function authorityInformation(extension: Extension): JsonObject {
  const row = readerOf(read(readerOf(mild(extension)), 0x30, "authority information"));
  const [servers, issuers]: [Json[], Json[]] = [[], []];
  while (!isDone(row)) {
    const access = readerOf(read(row, 0x30, "authority information"));
    const method = readIdentifier(access).join(".");
    if (!isNext(access, 0x86)) continue;
    const location = rawText(readAny(access).content);
    if (method === "1.3.6.1.5.5.7.48.1") servers.push(location);
    else if (method === "1.3.6.1.5.5.7.48.2") issuers.push(location);
  }
  return { OCSPServer: listOrNull(servers), IssuingCertificateURL: listOrNull(issuers) };
}
