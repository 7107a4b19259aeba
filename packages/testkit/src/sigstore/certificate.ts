import { constants, sign } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Certificate,
  Extension,
  Extensions,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from "@peculiar/asn1-x509";
import { type HashName, hashBytes, type SigningKey } from "../signing/signing-key.ts";
import { TestkitError } from "../testkit-error.ts";
import { buffer, der, encode, TAG } from "./der.ts";
import { type ExtensionSpec, standardExtensions, type UsageSpec } from "./extensions.ts";

/** What a certificate says. The defaults make a well-formed end-entity certificate; every field can be made wrong. */
export interface CertificateSpec extends UsageSpec {
  /** Common name; empty: an empty name, as Fulcio's leaves have. */
  readonly subject: string;
  readonly key: Pick<SigningKey, "spki">;
  /** Absent: signed by its own key. */
  readonly issuer?: CertificateIssuer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly serial?: Uint8Array;
  /** Default 3. A v1 certificate has no extensions; a v2 one should have none. */
  readonly version?: 1 | 2 | 3;
  /** The signature algorithm that the signed part names, where it is to differ from the one outside. */
  readonly innerHash?: HashName;
  readonly extensions?: readonly ExtensionSpec[];
  /** Signs the precertificate for CT logs: the extension to embed, from the TBS without it and the issuer's key hash. */
  readonly scts?: (precertificate: Uint8Array, issuerKeyHash: Uint8Array) => ExtensionSpec | undefined;
  /** The subject's public key, as the certificate states it. Default: the key's own. */
  readonly spki?: Uint8Array;
}

/** Who signs a certificate, and how. */
export interface CertificateIssuer {
  readonly subject: string;
  readonly key: SigningKey;
  readonly pss?: boolean;
  readonly hash?: HashName;
}

/** A certificate, DER. */
export function issueCertificate(spec: CertificateSpec & { readonly selfKey?: SigningKey }): Uint8Array {
  const issuer = spec.issuer ?? selfIssuer(spec);
  const algorithm = algorithmOf(issuer);
  const extensions = [...standardExtensions(spec, issuer.key.spki), ...(spec.extensions ?? [])];
  const precertificate = tbsOf(spec, { issuer, algorithm, extensions });
  const sct = spec.scts?.(encode(precertificate), hashBytes(issuer.key.spki));
  const tbs =
    sct === undefined ? precertificate : tbsOf(spec, { issuer, algorithm, extensions: [...extensions, sct] });
  const certificate = new Certificate({
    tbsCertificate: tbs,
    signatureAlgorithm: algorithm,
    signatureValue: buffer(signTbs(encode(tbs), issuer)),
  });
  return encode(certificate);
}

function selfIssuer(spec: CertificateSpec & { readonly selfKey?: SigningKey }): CertificateIssuer {
  if (spec.selfKey === undefined)
    throw new TestkitError("badOption", "a certificate without an issuer needs its own key");
  return { subject: spec.subject, key: spec.selfKey };
}

function tbsOf(
  spec: CertificateSpec,
  parts: {
    readonly issuer: CertificateIssuer;
    readonly algorithm: AlgorithmIdentifier;
    readonly extensions: readonly ExtensionSpec[];
  },
): TBSCertificate {
  const tbs = new TBSCertificate({
    version: (spec.version ?? 3) - 1,
    serialNumber: buffer(spec.serial ?? serialOf(spec)),
    signature:
      spec.innerHash === undefined ? parts.algorithm : algorithmOf({ ...parts.issuer, hash: spec.innerHash }),
    issuer: nameOf(parts.issuer.subject),
    validity: new Validity({ notBefore: spec.notBefore, notAfter: spec.notAfter }),
    subject: nameOf(spec.subject),
    subjectPublicKeyInfo: AsnConvert.parse(buffer(spec.spki ?? spec.key.spki), SubjectPublicKeyInfo),
  });
  if (spec.version !== 1) tbs.extensions = new Extensions(parts.extensions.map(extensionOf));
  return tbs;
}

/** Stable for equal certificates, so that equal worlds have equal serials; positive. */
function serialOf(spec: CertificateSpec): Uint8Array {
  const seed = Buffer.concat([spec.key.spki, Buffer.from(`${spec.subject}${spec.notBefore.getTime()}`)]);
  const serial = hashBytes(seed).slice(0, 16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function extensionOf({ oid, critical = false, value }: ExtensionSpec): Extension {
  return new Extension({ extnID: oid, critical, extnValue: new OctetString(buffer(value)) });
}

function nameOf(commonName: string): Name {
  if (commonName === "") return new Name([]);
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: "2.5.4.3", value })])]);
}

const ECDSA: Readonly<Partial<Record<HashName, string>>> = {
  sha1: "1.2.840.10045.4.1",
  sha256: "1.2.840.10045.4.3.2",
  sha384: "1.2.840.10045.4.3.3",
  sha512: "1.2.840.10045.4.3.4",
};
const RSA: Readonly<Partial<Record<HashName, string>>> = {
  sha1: "1.2.840.113549.1.1.5",
  sha256: "1.2.840.113549.1.1.11",
  sha384: "1.2.840.113549.1.1.12",
  sha512: "1.2.840.113549.1.1.13",
};
const NULL = der(TAG.null);

/** The algorithm that an issuer signs with. */
export function algorithmOf({
  key,
  pss,
  hash = "sha256",
}: Omit<CertificateIssuer, "subject">): AlgorithmIdentifier {
  if (key.kind === "ed25519") return new AlgorithmIdentifier({ algorithm: "1.3.101.112" });
  if (pss === true || key.kind === "rsaPss2048")
    return new AlgorithmIdentifier({
      algorithm: "1.2.840.113549.1.1.10",
      parameters: buffer(pssParameters()),
    });
  if (key.kind.startsWith("rsa"))
    return new AlgorithmIdentifier({ algorithm: RSA[hash] ?? "", parameters: buffer(NULL) });
  return new AlgorithmIdentifier({ algorithm: ECDSA[hash] ?? "" });
}

/** SHA-256, MGF1 with SHA-256, 32 bytes of salt. */
function pssParameters(): Uint8Array {
  const sha256 = der(TAG.sequence, Buffer.from("0609608648016503040201", "hex"), NULL);
  const mgf1 = der(TAG.sequence, Buffer.from("06092a864886f70d010108", "hex"), sha256);
  return der(
    TAG.sequence,
    der(0xa0, sha256),
    der(0xa1, mgf1),
    der(0xa2, der(TAG.integer, Uint8Array.of(32))),
  );
}

function signTbs(tbs: Uint8Array, { key, pss, hash = "sha256" }: CertificateIssuer): Uint8Array {
  if (key.kind === "ed25519") return new Uint8Array(sign(null, tbs, key.privateKey));
  if (pss !== true && key.kind !== "rsaPss2048") return new Uint8Array(sign(hash, tbs, key.privateKey));
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return new Uint8Array(sign("sha256", tbs, { key: key.privateKey, padding, saltLength: 32 }));
}
