import { hash as hashBytes, type KeyObject, verify } from "node:crypto";
import {
  type DerElement,
  derChildren,
  derTag,
  expectTag,
  readDer,
  readOid,
  readSequence,
  readSmallInteger,
  readTime,
} from "../encoding/der.ts";
import { refuse } from "../refusal.ts";
import { algorithmId, hashByOid, lookUp, signatureHashByOid } from "../signer/algorithms.ts";

/** An RFC 3161 timestamp whose form was checked. `genTime` is a claim until `isTimestampSigned` said yes. */
export interface TimestampToken {
  readonly genTime: Date;
  /** Hash and digest of what was stamped. */
  readonly imprint: { readonly hash: string; readonly digest: Buffer };
  /** Who says it signed: issuer name (DER) and serial number. */
  readonly signer: { readonly issuer: Buffer; readonly serialNumber: Buffer };
  /** Certificates that came along: unordered and unproven. */
  readonly certificates: readonly Buffer[];
  readonly signature: {
    readonly hash: string | null;
    readonly value: Buffer;
    /** The signed attributes as the SET that was signed. */
    readonly attributes: Buffer;
    /** Digest of the signer's certificate inside the signed attributes (RFC 5816), where given. */
    readonly certificate: { readonly hash: string; readonly digest: Buffer } | undefined;
  };
}

const what = "timestamp";
const oid = {
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;
const maxTokenBytes = 256 * 1024;

/** Reads a TimeStampResp (RFC 3161 §2.4.2) with its CMS SignedData (RFC 5652 §5). */
export function parseTimestampToken(bytes: Buffer): TimestampToken {
  // guard: timestamp-size
  if (bytes.length > maxTokenBytes) refuse("tooLarge", `${what} is larger than ${maxTokenBytes} bytes`);
  const [status, token] = readSequence(bytes, what);
  const [code] = derChildren(expectTag(status, derTag.sequence, what), what);
  // guard: timestamp-status
  if (readSmallInteger(code, what) > 1)
    refuse("noTrustedTime", "timestamp authority did not grant the timestamp");
  const signedData = derChildren(readSignedData(token), what);
  const [, , encapsulated] = signedData;
  const content = readContent(encapsulated);
  const certificates = signedData
    .filter(({ tag }) => tag === 0xa0)
    .flatMap((bag) => derChildren(bag, what, 32));
  const [signerInfo, ...others] = derChildren(expectTag(signedData.at(-1), derTag.set, what), what);
  // guard: timestamp-one-signer
  if (others.length > 0) refuse("malformed", `${what} has several signers`);
  return {
    ...readTstInfo(content),
    certificates: certificates.filter(({ tag }) => tag === derTag.sequence).map(({ raw }) => raw),
    ...readSignerInfo(signerInfo, content),
  };
}

function readSignedData(token: DerElement | undefined): DerElement {
  const [type, content] = derChildren(expectTag(token, derTag.sequence, what), what);
  if (readOid(type, what) !== oid.signedData) refuse("malformed", `${what} is not signed data`);
  return expectTag(readDer(expectTag(content, 0xa0, what).contents, what), derTag.sequence, what);
}

function readContent(encapsulated: DerElement | undefined): Buffer {
  const [type, content] = derChildren(expectTag(encapsulated, derTag.sequence, what), what);
  if (readOid(type, what) !== oid.tstInfo) refuse("malformed", `${what} has another content`);
  return expectTag(readDer(expectTag(content, 0xa0, what).contents, what), derTag.octetString, what).contents;
}

function readTstInfo(content: Buffer): Pick<TimestampToken, "genTime" | "imprint"> {
  const [, , imprint, , genTime] = readSequence(content, what);
  const [algorithm, digest] = derChildren(expectTag(imprint, derTag.sequence, what), what);
  return {
    genTime: readTime(genTime, what, true),
    imprint: { hash: readHash(algorithm), digest: expectTag(digest, derTag.octetString, what).contents },
  };
}

function readHash(algorithm: DerElement | undefined): string {
  const id = readAlgorithm(algorithm);
  return lookUp(hashByOid, id) ?? refuse("malformed", `${what} uses the hash ${id}, which is not accepted`);
}

function readAlgorithm(algorithm: DerElement | undefined): string {
  return readOid(derChildren(expectTag(algorithm, derTag.sequence, what), what)[0], what);
}

function readSignerInfo(
  info: DerElement | undefined,
  content: Buffer,
): Pick<TimestampToken, "signer" | "signature"> {
  const [, sid, digestAlgorithm, attributes, algorithm, value] = derChildren(
    expectTag(info, derTag.sequence, what),
    what,
  );
  const [issuer, serialNumber] = derChildren(expectTag(sid, derTag.sequence, what), what);
  const signed = expectTag(attributes, 0xa0, what);
  const hash = readHash(digestAlgorithm);
  const values = readAttributes(signed);
  const type = values.get(oid.contentType);
  const digest = expectTag(values.get(oid.messageDigest), derTag.octetString, what).contents;
  // guard: timestamp-content-type
  if (type === undefined || readOid(type, what) !== oid.tstInfo)
    refuse("malformed", `${what} signs another content type`);
  // guard: timestamp-message-digest
  if (!hashBytes(hash, content, "buffer").equals(digest))
    refuse("badSignature", `${what} signs other contents`);
  return {
    signer: {
      issuer: expectTag(issuer, derTag.sequence, what).raw,
      serialNumber: expectTag(serialNumber, derTag.integer, what).contents,
    },
    signature: {
      hash: signatureHash(readAlgorithm(algorithm), hash),
      value: expectTag(value, derTag.octetString, what).contents,
      attributes: Buffer.concat([Buffer.from([derTag.set]), signed.raw.subarray(1)]),
      certificate: readSigningCertificate(values.get(oid.signingCertificateV2)),
    },
  };
}

function readAttributes(attributes: DerElement): ReadonlyMap<string, DerElement> {
  const values = new Map<string, DerElement>();
  for (const attribute of derChildren(attributes, what)) {
    const [id, set] = derChildren(expectTag(attribute, derTag.sequence, what), what);
    const name = readOid(id, what);
    const [value, ...others] = derChildren(expectTag(set, derTag.set, what), what);
    // guard: timestamp-attribute-twice
    if (values.has(name) || others.length > 0) refuse("malformed", `${what} has an attribute twice`);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function signatureHash(algorithm: string, digestHash: string): string | null {
  if (algorithm === algorithmId.ed25519) return null;
  if (algorithm === algorithmId.rsaEncryption) return digestHash;
  return (
    lookUp(signatureHashByOid, algorithm) ??
    refuse("malformed", `${what} is signed with an algorithm that is not accepted`)
  );
}

/** SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2 … } (RFC 5035 §3); the first is the signer's. */
function readSigningCertificate(value: DerElement | undefined): TimestampToken["signature"]["certificate"] {
  if (value === undefined) return undefined;
  const [certificates] = derChildren(expectTag(value, derTag.sequence, what), what);
  const [first] = derChildren(expectTag(certificates, derTag.sequence, what), what);
  const [head, next] = derChildren(expectTag(first, derTag.sequence, what), what);
  if (head?.tag === derTag.octetString) return { hash: "sha256", digest: head.contents };
  return { hash: readHash(head), digest: expectTag(next, derTag.octetString, what).contents };
}

/** Did this key sign the timestamp? */
export function isTimestampSigned({ signature }: TimestampToken, key: KeyObject): boolean {
  try {
    return verify(signature.hash, signature.attributes, key, signature.value);
  } catch {
    return false;
  }
}

/** Is the timestamp over these bytes? */
export function isTimestampOf({ imprint }: TimestampToken, bytes: Buffer): boolean {
  return hashBytes(imprint.hash, bytes, "buffer").equals(imprint.digest);
}
