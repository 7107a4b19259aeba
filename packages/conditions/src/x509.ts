import { Buffer } from "node:buffer";
import { ConditionError } from "./condition-error.ts";
import { child, children, type Der, integer, malformed, objectIdentifier, readDer, text } from "./der.ts";
import type { Json, JsonObject, Value } from "./json.ts";
import { certificateExtensions, extensionList, subjectAlternativeNames } from "./x509-extensions.ts";

const MAX_TEXT = 65_536;

/**
 * Kyverno's `x509_decode`: the first PEM block, a certificate or a certificate request with an RSA key, as Go writes
 * its struct to JSON. Nothing is verified. Throws `badText`.
 */
export function decodeCertificate(pem: string): Value {
  const block = pem.length > MAX_TEXT ? undefined : firstBlock(pem);
  if (block === undefined) throw bad("the text holds no PEM block");
  switch (block.type) {
    case "CERTIFICATE":
      return certificate(block.bytes);
    case "CERTIFICATE REQUEST":
      return certificateRequest(block.bytes);
    default:
      throw bad("the PEM block is neither a certificate nor a certificate request");
  }
}

function bad(message: string): ConditionError {
  return new ConditionError(message, { code: "badText" });
}

function firstBlock(pem: string): { type: string; bytes: Uint8Array } | undefined {
  for (const begin of pem.matchAll(/(?:^|\n)-----BEGIN ([^\r\n]*)-----[ \t]*\r?\n/g)) {
    const type = begin[1] ?? "";
    const start = begin.index + begin[0].length;
    const end = pem.indexOf(`-----END ${type}-----`, start);
    if (end < 0) continue;
    const body = pem.slice(start, end).replace(/^[^\n:]*:[^\n]*\n/gm, "");
    const compact = body.replace(/\s/g, "");
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(compact) && compact.length % 4 === 0) {
      return { type, bytes: Buffer.from(compact, "base64") };
    }
  }
  return undefined;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function certificate(bytes: Uint8Array): JsonObject {
  const outer = children(readDer(bytes).content);
  const tbs = child(outer, 0, 0x30);
  const fields = [...children(tbs.content)];
  const version =
    fields[0]?.tag === 0xa0 ? Number(integer(readDer(fields.shift()?.content ?? tbs.raw).content)) + 1 : 1;
  const serial = integer(child(fields, 0, 0x02).content);
  const issuer = child(fields, 2, 0x30);
  const validity = children(child(fields, 3, 0x30).content);
  const subject = child(fields, 4, 0x30);
  const key = child(fields, 5, 0x30);
  const publicKey = rsaKey(key);
  const extensions = fields.find(({ tag }) => tag === 0xa3);
  return {
    Raw: base64(bytes),
    RawTBSCertificate: base64(tbs.raw),
    RawSubjectPublicKeyInfo: base64(key.raw),
    RawSubject: base64(subject.raw),
    RawIssuer: base64(issuer.raw),
    Signature: base64(child(outer, 2, 0x03).content.subarray(1)),
    SignatureAlgorithm: signatureAlgorithm(child(outer, 1, 0x30)),
    PublicKeyAlgorithm: 1,
    PublicKey: publicKey,
    Version: version,
    SerialNumber: Number(serial),
    Issuer: distinguishedName(issuer),
    Subject: distinguishedName(subject),
    NotBefore: timeText(validity[0]),
    NotAfter: timeText(validity[1]),
    ...certificateExtensions(extensions === undefined ? [] : extensionList(readDer(extensions.content))),
  };
}

function certificateRequest(bytes: Uint8Array): JsonObject {
  const outer = children(readDer(bytes).content);
  const info = child(outer, 0, 0x30);
  const fields = children(info.content);
  const subject = child(fields, 1, 0x30);
  const key = child(fields, 2, 0x30);
  const publicKey = rsaKey(key);
  const extensions = requestedExtensions(fields[3]);
  return {
    Raw: base64(bytes),
    RawTBSCertificateRequest: base64(info.raw),
    RawSubjectPublicKeyInfo: base64(key.raw),
    RawSubject: base64(subject.raw),
    Version: Number(integer(child(fields, 0, 0x02).content)),
    Signature: base64(child(outer, 2, 0x03).content.subarray(1)),
    SignatureAlgorithm: signatureAlgorithm(child(outer, 1, 0x30)),
    PublicKeyAlgorithm: 1,
    PublicKey: publicKey,
    Subject: distinguishedName(subject),
    Attributes: requestAttributes(fields[3]),
    Extensions: extensions.length === 0 ? null : extensions.map(({ json }) => json),
    ExtraExtensions: null,
    ...subjectAlternativeNames(extensions),
  };
}

/** The extensions that a request asks for: attribute 1.2.840.113549.1.9.14. */
function requestedExtensions(attributes: Der | undefined): ReturnType<typeof extensionList> {
  if (attributes === undefined) return [];
  for (const attribute of children(attributes.content)) {
    const [type, values] = children(attribute.content);
    if (type === undefined || values === undefined) throw malformed("attribute");
    if (objectIdentifier(type.content).join(".") === "1.2.840.113549.1.9.14")
      return extensionList(readDer(values.content));
  }
  return [];
}

/** Attributes whose values are lists of typed values; Go leaves out the others, such as a challenge password. */
function requestAttributes(attributes: Der | undefined): Json {
  const list: Json[] = [];
  for (const attribute of attributes === undefined ? [] : children(attributes.content)) {
    const [type, values] = children(attribute.content);
    if (type === undefined || values === undefined) throw malformed("attribute");
    const sets = children(values.content);
    if (!sets.every(({ tag }) => tag === 0x30)) continue;
    list.push({ Type: objectIdentifier(type.content), Value: sets.map(typedValues) });
  }
  return list.length === 0 ? null : list;
}

function typedValues(set: Der): Json {
  return children(set.content).map((element) => {
    const row = children(element.content);
    const value = row[1];
    const shown = value?.tag === 0x01 ? value.content[0] !== 0 : base64(value?.content ?? new Uint8Array());
    return { Type: objectIdentifier(child(row, 0, 0x06).content), Value: shown };
  });
}

/** Kyverno takes RSA keys only, and writes the modulus as decimal text. */
function rsaKey(key: Der): JsonObject {
  const [algorithm, bits] = children(key.content);
  if (algorithm === undefined || bits === undefined) throw malformed("public key");
  const parts = children(algorithm.content);
  const oid = objectIdentifier(child(parts, 0, 0x06).content).join(".");
  if (oid !== "1.2.840.113549.1.1.1") throw bad("the certificate should use RSA");
  if (child(parts, 1, 0x05).content.length > 0 || parts.length > 2) throw malformed("public key");
  const numbers = children(readDer(bits.content.subarray(1)).content);
  return {
    N: String(integer(child(numbers, 0, 0x02).content)),
    E: Number(integer(child(numbers, 1, 0x02).content)),
  };
}

/** Go's numbers for signature algorithms. */
const signatureAlgorithms: Readonly<Record<string, number>> = {
  "1.2.840.113549.1.1.4": 2,
  "1.2.840.113549.1.1.5": 3,
  "1.3.14.3.2.29": 3,
  "1.2.840.113549.1.1.11": 4,
  "1.2.840.113549.1.1.12": 5,
  "1.2.840.113549.1.1.13": 6,
  "1.2.840.10040.4.3": 7,
  "2.16.840.1.101.3.4.3.2": 8,
  "1.2.840.10045.4.1": 9,
  "1.2.840.10045.4.3.2": 10,
  "1.2.840.10045.4.3.3": 11,
  "1.2.840.10045.4.3.4": 12,
  "1.3.101.112": 16,
};
/** PSS: the hash, and the salt length that Go wants with it. */
const pssHashes: readonly (readonly [hash: string, salt: bigint, algorithm: number])[] = [
  ["608648016503040201", 32n, 13],
  ["608648016503040202", 48n, 14],
  ["608648016503040203", 64n, 15],
];

function signatureAlgorithm(algorithm: Der): number {
  const [oid, parameters] = children(algorithm.content);
  const name = objectIdentifier(oid?.content ?? new Uint8Array()).join(".");
  if (name !== "1.2.840.113549.1.1.10") return signatureAlgorithms[name] ?? 0;
  const parts = children(parameters?.content ?? new Uint8Array());
  const hex = Buffer.from(parts.find(({ tag }) => tag === 0xa0)?.content ?? new Uint8Array()).toString("hex");
  const saltPart = parts.find(({ tag }) => tag === 0xa2);
  const salt = saltPart === undefined ? 20n : integer(readDer(saltPart.content).content);
  return pssHashes.find(([hash, length]) => hex.includes(hash) && length === salt)?.[2] ?? 0;
}

/** Go's field by the last number of 2.5.4.x. */
const nameFields: Readonly<Record<number, string>> = {
  6: "Country",
  10: "Organization",
  11: "OrganizationalUnit",
  7: "Locality",
  8: "Province",
  9: "StreetAddress",
  17: "PostalCode",
};

function distinguishedName(name: Der): JsonObject {
  const lists: Record<string, string[] | null> = Object.fromEntries(
    Object.values(nameFields).map((field) => [field, null]),
  );
  let serialNumber = "";
  let commonName = "";
  const names: Json[] = [];
  for (const set of children(name.content)) {
    for (const attribute of children(set.content)) {
      const row = children(attribute.content);
      const type = objectIdentifier(child(row, 0, 0x06).content);
      const value = row[1] === undefined ? "" : text(row[1]);
      names.push({ Type: type, Value: value });
      if (type.length !== 4 || !type.slice(0, 3).every((part, at) => part === [2, 5, 4][at])) continue;
      const last = type[3] ?? 0;
      const field = nameFields[last];
      if (field !== undefined) lists[field] = [...(lists[field] ?? []), value];
      else if (last === 3) commonName = value;
      else if (last === 5) serialNumber = value;
    }
  }
  return {
    ...lists,
    SerialNumber: serialNumber,
    CommonName: commonName,
    Names: names.length === 0 ? null : names,
    ExtraNames: null,
  };
}

/** UTCTime and GeneralizedTime as RFC 3339. */
function timeText(time: Der | undefined): string {
  const match = /^([0-9]{2})?([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(
    time === undefined ? "" : text(time),
  );
  if (time === undefined || match === null || (match[1] === undefined) !== (time.tag === 0x17))
    throw malformed("time");
  const [, given, year = "", month, day, hour, minute, second] = match;
  const century = given ?? (Number(year) >= 50 ? "19" : "20");
  return `${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}
