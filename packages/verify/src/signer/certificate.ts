import { hash as hashBytes, type KeyObject, X509Certificate } from "node:crypto";
import {
  type DerElement,
  derChildren,
  derTag,
  expectTag,
  readBoolean,
  readDer,
  readOid,
  readSequence,
  readSmallInteger,
  readTime,
} from "../encoding/der.ts";
import { refuse } from "../refusal.ts";
import { algorithmId, hashByOid, lookUp, signatureHashByOid } from "./algorithms.ts";
import { type PublicKey, toPublicKey } from "./public-key.ts";

/** An X.509 v3 certificate whose form was checked once. Nothing in it is trusted before a chain vouches for it. */
export interface Certificate {
  readonly der: Buffer;
  /** The signed part: what a CT log's precertificate is made of. */
  readonly tbs: Buffer;
  readonly serialNumber: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly key: PublicKey;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly isCa: boolean;
  /** How many authorities may follow below; undefined: any number. */
  readonly pathLength: number | undefined;
  /** Undefined: every usage. */
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean } | undefined;
  /** OIDs; undefined: every usage. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** SHA-256 of the DER: its name in caches. */
  readonly fingerprint: string;
  /** Was it signed with this key? OpenSSL reads the certificate anew, and must agree that it is one. */
  readonly isSignedWith: (key: KeyObject) => boolean;
}

export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** OIDs of extensions that are read. */
export const extensionId = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  signedCertificateTimestamps: "1.3.6.1.4.1.11129.2.4.2",
} as const;

const maxCertificateBytes = 64 * 1024;

/** Critical extensions that are enforced here; a certificate with any other is not understood. */
const understood: readonly string[] = [
  extensionId.keyUsage,
  extensionId.subjectAltName,
  extensionId.basicConstraints,
  extensionId.extendedKeyUsage,
];

/**
 * Reads a certificate (RFC 5280). Refused: what is not strict DER, weak keys and signatures, an extension twice, and
 * critical extensions that nobody here enforces (name constraints among them).
 */
export function parseCertificate(der: Buffer, what = "certificate"): Certificate {
  // guard: certificate-size
  if (der.length > maxCertificateBytes)
    refuse("tooLarge", `${what} is larger than ${maxCertificateBytes} bytes`);
  const [tbs, outerAlgorithm] = readSequence(der, what);
  const fields = derChildren(expectTag(tbs, derTag.sequence, what), what);
  const [version, serial, algorithm, issuer, validity, subject, spki] = fields;
  // guard: certificate-version
  if (version?.tag !== 0xa0 || readSmallInteger(readDer(version.contents, what), what) !== 2)
    refuse("malformed", `${what} is not X.509 v3`);
  checkSignatureAlgorithm(algorithm, outerAlgorithm, what);
  const extensions = readExtensions(fields.at(-1), what);
  const [notBefore, notAfter] = derChildren(expectTag(validity, derTag.sequence, what), what);
  const key = toPublicKey(expectTag(spki, derTag.sequence, what).raw, { pss: true });
  if (typeof key === "string") return refuse("malformed", `${what} has a bad key: ${key}`);
  return {
    der,
    tbs: expectTag(tbs, derTag.sequence, what).raw,
    serialNumber: expectTag(serial, derTag.integer, what).contents,
    issuer: expectTag(issuer, derTag.sequence, what).raw,
    subject: expectTag(subject, derTag.sequence, what).raw,
    notBefore: readTime(notBefore, what),
    notAfter: readTime(notAfter, what),
    key,
    extensions,
    ...readConstraints(extensions, what),
    fingerprint: hashBytes("sha256", der),
    isSignedWith: (issuer) => isSignedWith(der, issuer),
  };
}

function isSignedWith(der: Buffer, key: KeyObject): boolean {
  try {
    // guard: certificate-signature
    if (!new X509Certificate(der).verify(key)) return false;
    return true;
  } catch {
    return false;
  }
}

function checkSignatureAlgorithm(
  inner: DerElement | undefined,
  outer: DerElement | undefined,
  what: string,
): void {
  const algorithm = expectTag(inner, derTag.sequence, what);
  // second line: certificate-algorithm-twice
  if (outer?.raw.equals(algorithm.raw) !== true)
    refuse("malformed", `${what} names two signature algorithms`);
  const [oid, parameters] = derChildren(algorithm, what);
  const name = readOid(oid, what);
  const isStrong =
    name === algorithmId.ed25519 ||
    lookUp(signatureHashByOid, name) !== undefined ||
    (name === algorithmId.rsaPss && isSha2Pss(parameters, what));
  // guard: certificate-weak-signature
  if (!isStrong) refuse("malformed", `${what} is signed with an algorithm that is not accepted`);
}

/** RSASSA-PSS-params: without an explicit hash it would be SHA-1. */
function isSha2Pss(parameters: DerElement | undefined, what: string): boolean {
  if (parameters?.tag !== derTag.sequence) return false;
  const hash = derChildren(parameters, what).find(({ tag }) => tag === 0xa0);
  if (hash === undefined) return false;
  const [oid] = readSequence(hash.contents, what);
  return lookUp(hashByOid, readOid(oid, what)) !== undefined;
}

function readExtensions(field: DerElement | undefined, what: string): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  if (field?.tag !== 0xa3) return extensions;
  for (const extension of readSequence(field.contents, what)) {
    const [oid, ...rest] = derChildren(expectTag(extension, derTag.sequence, what), what);
    const id = readOid(oid, what);
    // guard: certificate-extension-twice
    if (extensions.has(id)) refuse("malformed", `${what} has the extension ${id} twice`);
    const critical = rest.length === 2 ? readBoolean(rest[0], what) : false;
    // guard: certificate-critical
    if (critical && !understood.includes(id))
      refuse("malformed", `${what} has the critical extension ${id}, which is not understood`);
    // guard: certificate-name-constraints
    if (id === extensionId.nameConstraints)
      refuse("malformed", `${what} has name constraints, which are not understood`);
    extensions.set(id, { critical, value: expectTag(rest.at(-1), derTag.octetString, what).contents });
  }
  return extensions;
}

type Constraints = Pick<Certificate, "isCa" | "pathLength" | "keyUsage" | "extendedKeyUsage">;

function readConstraints(extensions: ReadonlyMap<string, Extension>, what: string): Constraints {
  const basic = extensions.get(extensionId.basicConstraints);
  const [ca, length] = basic === undefined ? [] : readSequence(basic.value, what);
  const isCa = ca !== undefined && readBoolean(ca, what);
  const usage = extensions.get(extensionId.keyUsage);
  const extended = extensions.get(extensionId.extendedKeyUsage);
  return {
    isCa,
    pathLength: isCa && length !== undefined ? readSmallInteger(length, what) : undefined,
    keyUsage: usage && readKeyUsage(usage, what),
    extendedKeyUsage: extended && readSequence(extended.value, what).map((oid) => readOid(oid, what)),
  };
}

function readKeyUsage({ value }: Extension, what: string): NonNullable<Certificate["keyUsage"]> {
  const { contents } = expectTag(readDer(value, what), derTag.bitString, what);
  const bits = contents[1] ?? 0;
  return { digitalSignature: (bits & 0x80) !== 0, keyCertSign: (bits & 0x04) !== 0 };
}
