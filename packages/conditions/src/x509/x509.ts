import { ConditionError } from "../condition-error.ts";
import type { JsonObject, Value } from "../json.ts";
import { type Budget, exceeded, spend } from "../limits.ts";
import {
  bits,
  type Der,
  type DerReader,
  integer,
  isDone,
  isNext,
  malformed,
  onlyElement,
  read,
  readAny,
  readElement,
  readerOf,
  readOptional,
  rightAligned,
  smallInteger,
} from "./der.ts";
import { firstPemBlock } from "./pem.ts";
import { certificateExtensions, type Extension, extensionList } from "./x509-extensions.ts";
import { rsaKey, signatureAlgorithm } from "./x509-keys.ts";
import { distinguishedName } from "./x509-names.ts";
import { certificateRequest } from "./x509-request.ts";
import { base64, textOf, timeText } from "./x509-values.ts";

const MAX_TEXT = 65_536;

/**
 * Kyverno's `x509_decode`: the first PEM block, a certificate or a certificate request with an RSA key, as Go writes
 * its struct to JSON. What Go refuses to parse is an error here too, but nothing is verified. Throws `badText`.
 */
export function decodeCertificate(pem: string, budget: Budget): Value {
  spend(budget, pem.length);
  if (pem.length > MAX_TEXT) throw exceeded(`the certificate is longer than ${MAX_TEXT} characters`);
  const block = firstPemBlock(pem);
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

function certificate(bytes: Uint8Array): JsonObject {
  const outer = readerOf(onlyElement(bytes, 0x30, "certificate").content);
  const signed = readElement(outer, 0x30, "signed part");
  const fields = readerOf(signed.content);
  const version = readVersion(fields);
  const serial = readSerial(fields);
  const algorithm = readElement(fields, 0x30, "signature algorithm");
  if (base64(algorithm.raw) !== base64(readElement(outer, 0x30, "signature algorithm").raw)) {
    throw malformed("the signature algorithms inside and outside of what is signed differ");
  }
  const issuer = readElement(fields, 0x30, "issuer");
  const validity = readerOf(read(fields, 0x30, "validity"));
  const [notBefore, notAfter] = [timeText(readAny(validity)), timeText(readAny(validity))];
  const subject = readElement(fields, 0x30, "subject");
  const key = readElement(fields, 0x30, "public key");
  return {
    Raw: base64(bytes),
    RawTBSCertificate: base64(signed.raw),
    RawSubjectPublicKeyInfo: base64(key.raw),
    RawSubject: base64(subject.raw),
    RawIssuer: base64(issuer.raw),
    SignatureAlgorithm: signatureAlgorithm(algorithm.content),
    PublicKeyAlgorithm: 1,
    PublicKey: rsaKey(key.content),
    Version: version,
    SerialNumber: serial,
    Issuer: distinguishedName(issuer.content, nameText),
    Subject: distinguishedName(subject.content, nameText),
    NotBefore: notBefore,
    NotAfter: notAfter,
    ...certificateExtensions(readExtensions(fields, version)),
    Signature: base64(rightAligned(bits(read(outer, 0x03, "signature")))),
  };
}

function readVersion(fields: DerReader): number {
  const given = readOptional(fields, 0xa0);
  const version = given === undefined ? 0 : smallInteger(onlyElement(given, 0x02, "version").content);
  if (version < 0 || version > 2) throw malformed("version");
  return version + 1;
}

/** As a float64, which is what Kyverno makes of it. */
function readSerial(fields: DerReader): number {
  const serial = Number(integer(read(fields, 0x02, "serial number")));
  if (serial < 0 || !Number.isFinite(serial)) throw malformed("serial number");
  return serial;
}

function nameText(value: Der): string {
  const text = textOf(value);
  if (text === undefined) throw malformed("a part of a name is no text");
  return text;
}

/** Only version 3 has extensions; what stands there in others is not looked at. */
function readExtensions(fields: DerReader, version: number): readonly Extension[] {
  if (version === 1) return [];
  readOptional(fields, 0x81);
  readOptional(fields, 0x82);
  if (version !== 3 || isDone(fields) || !isNext(fields, 0xa3)) return [];
  const list = read(readerOf(readAny(fields).content), 0x30, "extensions");
  return extensionList(list);
}
