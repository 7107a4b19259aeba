import { Buffer } from "node:buffer";
import { ConditionError } from "../condition-error.ts";
import type { Json, JsonObject } from "../json.ts";
import {
  bits,
  children,
  childrenOf,
  onlyElement,
  read,
  readAny,
  readElement,
  readerOf,
  readIdentifier,
  rightAligned,
  smallInteger,
} from "./der.ts";
import { alternativeNames, type Extension, extensionList, noAlternativeNames } from "./x509-extensions.ts";
import { rsaKey, signatureAlgorithm } from "./x509-keys.ts";
import { attributeOf, distinguishedName } from "./x509-names.ts";
import { anyValue, base64 } from "./x509-values.ts";

/** Go's `x509.CertificateRequest`, which its encoding/asn1 reads. */
export function certificateRequest(bytes: Uint8Array): JsonObject {
  const outer = readerOf(onlyElement(bytes, 0x30, "certificate request").content);
  const signed = readElement(outer, 0x30, "signed part");
  const algorithm = read(outer, 0x30, "signature algorithm");
  const signature = bits(read(outer, 0x03, "signature"));
  const fields = readerOf(signed.content);
  const version = smallInteger(read(fields, 0x02, "version"));
  const subject = readAny(fields);
  const key = readElement(fields, 0x30, "public key");
  const attributes = children(read(fields, 0xa0, "attributes")).map(({ raw }) => raw);
  const publicKey = rsaKey(key.content);
  const name = onlyElement(subject.raw, 0x30, "subject").content;
  const extensions = requestedExtensions(attributes);
  return {
    Raw: base64(bytes),
    RawTBSCertificateRequest: base64(signed.raw),
    RawSubjectPublicKeyInfo: base64(key.raw),
    RawSubject: base64(subject.raw),
    Version: version,
    Signature: base64(rightAligned(signature)),
    SignatureAlgorithm: signatureAlgorithm(algorithm),
    PublicKeyAlgorithm: 1,
    PublicKey: publicKey,
    Subject: distinguishedName(name, anyValue),
    Attributes: requestAttributes(attributes),
    Extensions: extensions.length === 0 ? null : extensions.map(({ json }) => json),
    ExtraExtensions: null,
    ...noAlternativeNames,
    ...namesOf(extensions),
  };
}

function namesOf(extensions: readonly Extension[]): JsonObject {
  const found = extensions.find(({ id }) => id === "2.5.29.17");
  return found === undefined ? {} : alternativeNames(found.value);
}

/** What is made of the bytes, or `undefined` where Go leaves out what it cannot parse. */
function ifParsed<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof ConditionError && error.code === "badText") return undefined;
    throw error;
  }
}

/** The extensions that a request asks for: attributes 1.2.840.113549.1.9.14. */
function requestedExtensions(attributes: readonly Uint8Array[]): readonly Extension[] {
  const lists: Uint8Array[] = [];
  for (const attribute of attributes) {
    const value = ifParsed(() => extensionRequest(attribute));
    if (value !== undefined) lists.push(onlyElement(value, 0x30, "extensions").content);
  }
  return extensionList(Buffer.concat(lists));
}

function extensionRequest(attribute: Uint8Array): Uint8Array | undefined {
  const row = readerOf(onlyElement(attribute, 0x30, "attribute").content);
  const type = readIdentifier(row).join(".");
  const [first] = children(read(row, 0x31, "attribute"));
  return type === "1.2.840.113549.1.9.14" ? first?.raw : undefined;
}

/** Attributes whose values are lists of typed values; Go leaves out the others, such as a challenge password. */
function requestAttributes(attributes: readonly Uint8Array[]): Json {
  const list = attributes.map((attribute) => ifParsed(() => requestAttribute(attribute)));
  const parsed = list.filter((attribute) => attribute !== undefined);
  return parsed.length === 0 ? null : parsed;
}

function requestAttribute(attribute: Uint8Array): JsonObject {
  const row = readerOf(onlyElement(attribute, 0x30, "attribute").content);
  const type = readIdentifier(row);
  const sets = childrenOf(read(row, 0x31, "attribute"), 0x30, "attribute");
  return { Type: [...type], Value: sets.map(({ content }) => typedValues(content)) };
}

function typedValues(set: Uint8Array): Json {
  return childrenOf(set, 0x30, "attribute").map(({ content }) => {
    const { type, value } = attributeOf(content, anyValue);
    return { Type: [...type], Value: value };
  });
}
