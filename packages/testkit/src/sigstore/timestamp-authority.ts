import {
  Attribute,
  CertificateChoices,
  CertificateSet,
  ContentInfo,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
} from "@peculiar/asn1-cms";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { MessageImprint, PKIStatus, PKIStatusInfo, TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier, Certificate } from "@peculiar/asn1-x509";
import { pem } from "../signing/encoding.ts";
import { createKey, type HashName, hashBytes, type SigningKey, signBytes } from "../signing/signing-key.ts";
import { type AuthorityOptions, createAuthority, type LeafSpec } from "./authority.ts";
import { algorithmOf } from "./certificate.ts";
import { buffer, der, TAG } from "./der.ts";
import type { TimestampAuthority, TimestampOptions } from "./timestamp.ts";
import { type TimestampQuery, timestampHandler } from "./timestamp-api.ts";

/** How a throwaway timestamp authority is set up. */
export interface TimestampAuthorityOptions extends AuthorityOptions {
  readonly clock: () => Date;
  /** The signer's certificate; default critical extended key usage timeStamping. */
  readonly leaf?: LeafSpec;
  readonly key?: SigningKey;
}

const OIDS = {
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingTime: "1.2.840.113549.1.9.5",
  policy: "1.3.6.1.4.1.57264.2",
} as const;
const HASH_OIDS: Readonly<Record<HashName, string>> = {
  sha1: "1.3.14.3.2.26",
  sha224: "2.16.840.1.101.3.4.2.4",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
};

/** A throwaway RFC 3161 authority with a chain of its own. */
export function createTimestampAuthority(options: TimestampAuthorityOptions): TimestampAuthority {
  const authority = createAuthority({ name: "tsa", ...options });
  const key = options.key ?? createKey("p256");
  const leaf = authority.certify(key, {
    ...{ subject: "tsa signer", extendedKeyUsage: ["timeStamping"], extendedKeyUsageCritical: true },
    ...options.leaf,
  });
  const chain = [leaf.certificate, ...authority.chain];
  const chainPem = chain.map((each) => pem(each, "CERTIFICATE")).join("");
  const nextSerial = serialNumbers();
  const answer = (question: Pick<Question, "data" | "at" | "how" | "query">): Uint8Array =>
    respond({ ...question, key, certificate: leaf.certificate, serial: nextSerial() });
  return {
    chain,
    pem: chainPem,
    timestamp: (data, at = options.clock(), how = {}) => answer({ data, at, how }),
    handle: timestampHandler({
      pem: chainPem,
      respond(query) {
        const { hash, imprint, wantsCertificate } = query;
        const how = { hash, imprint, ...(wantsCertificate ? {} : { embed: [] }) };
        return answer({ data: new Uint8Array(), at: options.clock(), how, query });
      },
    }),
  };
}

interface Question {
  readonly data: Uint8Array;
  readonly at: Date;
  readonly how: TimestampOptions;
  /** What came by HTTP. */
  readonly query?: Pick<TimestampQuery, "policy" | "nonce">;
  readonly key: SigningKey;
  readonly certificate: Uint8Array;
  readonly serial: Uint8Array;
}

function respond(question: Question): Uint8Array {
  const status = new PKIStatusInfo({ status: question.how.status ?? PKIStatus.granted });
  const content = AsnConvert.serialize(signedDataOf(question));
  const timeStampToken = new ContentInfo({ contentType: OIDS.signedData, content });
  return new Uint8Array(AsnConvert.serialize(new TimeStampResp({ status, timeStampToken })));
}

function signedDataOf(question: Question): SignedData {
  const { key, certificate, how } = question;
  const hash = how.hash ?? "sha256";
  const digestAlgorithm = new AlgorithmIdentifier({ algorithm: HASH_OIDS[hash] });
  const info = tstInfoOf(question);
  const attributes = attributesOf(question, hashBytes(info, hash));
  const parsed = AsnConvert.parse(buffer(certificate), Certificate);
  const issuerAndSerialNumber = new IssuerAndSerialNumber({
    issuer: parsed.tbsCertificate.issuer,
    serialNumber: parsed.tbsCertificate.serialNumber,
  });
  const signerInfo = new SignerInfo({
    ...{ version: 1, digestAlgorithm, sid: new SignerIdentifier({ issuerAndSerialNumber }) },
    signedAttrs: attributes.map((each) => AsnConvert.parse(buffer(each), Attribute)),
    signatureAlgorithm: algorithmOf({ key, hash }),
    signature: new OctetString(buffer(signBytes(key, der(TAG.set, ...attributes), hash))),
  });
  const embedded = (how.embed ?? [certificate]).map(
    (each) => new CertificateChoices({ certificate: AsnConvert.parse(buffer(each), Certificate) }),
  );
  const eContent = new EncapsulatedContent({ single: new OctetString(buffer(info)) });
  return new SignedData({
    version: 3,
    digestAlgorithms: new DigestAlgorithmIdentifiers([digestAlgorithm]),
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: OIDS.tstInfo, eContent }),
    ...(embedded.length === 0 ? {} : { certificates: new CertificateSet(embedded) }),
    signerInfos: new SignerInfos(Array.from({ length: how.signers ?? 1 }, () => signerInfo)),
  });
}

function tstInfoOf({ data, at, how, query, serial }: Question): Uint8Array {
  const hash = how.hash ?? "sha256";
  const info = new TSTInfo({
    ...{ version: 1, policy: query?.policy ?? OIDS.policy, genTime: at },
    ...(query?.nonce === undefined ? {} : { nonce: buffer(query.nonce) }),
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithm: HASH_OIDS[hash] }),
      hashedMessage: new OctetString(buffer(how.imprint ?? hashBytes(data, hash))),
    }),
    serialNumber: buffer(serial),
  });
  const bytes = new Uint8Array(AsnConvert.serialize(info));
  return how.genTime === undefined ? bytes : withTime(bytes, how.genTime);
}

/** Never the same twice, as RFC 3161 wants it, and all of one length. */
function serialNumbers(): () => Uint8Array {
  let last = 0x4000_0000_0000_0000n;
  return () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(++last);
    return new Uint8Array(bytes);
  };
}

/** Puts another text in place of the GeneralizedTime that ends a TSTInfo. */
function withTime(info: Uint8Array, text: string): Uint8Array {
  const body = Buffer.from(info.subarray(info[1] === 0x81 ? 3 : 2));
  let at = body.length - 2;
  while (at > 0 && (body[at] !== TAG.generalizedTime || body[at + 1] !== body.length - at - 2)) at--;
  return der(TAG.sequence, body.subarray(0, at), der(TAG.generalizedTime, Buffer.from(text)));
}

/** The signed attributes in DER order, each encoded. */
function attributesOf({ at, how }: Question, digest: Uint8Array): readonly Uint8Array[] {
  const utcTime = `${at.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`;
  const contentType = how.contentType === "data" ? "06092a864886f70d010701" : "060b2a864886f70d0109100104";
  const values: readonly (readonly [string, Uint8Array])[] = [
    [OIDS.contentType, Buffer.from(contentType, "hex")],
    [OIDS.signingTime, der(0x17, Buffer.from(utcTime))],
    [OIDS.messageDigest, der(TAG.octetString, how.messageDigest ?? digest)],
  ];
  return (how.twice === true ? [...values, ...values] : values)
    .map(([attrType, value]) => new Attribute({ attrType, attrValues: [buffer(value)] }))
    .map((attribute) => new Uint8Array(AsnConvert.serialize(attribute)))
    .sort((a, b) => Buffer.compare(a, b));
}
