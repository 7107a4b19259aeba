import { hash as hashBytes } from "node:crypto";
import type { FactCache } from "../fact-cache.ts";
import { Refusal, refuse } from "../refusal.ts";
import { type Certificate, extensionId, parseCertificate } from "../signer/certificate.ts";
import { type CertificatePool, certificatePaths, isValidAt, usage } from "../signer/certificate-chain.ts";
import {
  isTimestampOf,
  isTimestampSigned,
  parseTimestampToken,
  type TimestampToken,
} from "./timestamp-token.ts";

/** A timestamp authority: its authorities and, where known, the one certificate it signs with. */
export interface TimestampAuthority {
  readonly pool: CertificatePool;
  /** Empty: the certificate that comes with the timestamp is looked up, and must chain to the pool. */
  readonly leaves: readonly Certificate[];
}

export interface TimestampQuestion {
  readonly authorities: readonly TimestampAuthority[];
  /** What the timestamp may be over: the signature, or (legacy attestations) the whole envelope. */
  readonly stamped: readonly Buffer[];
  readonly cache: FactCache;
}

/**
 * The time that a trusted authority vouches for. Refuses what does not verify; the caller decides whether one good
 * timestamp among others suffices.
 */
export function checkTimestamp(bytes: Buffer, question: TimestampQuestion): Date {
  const token = parseTimestampToken(bytes);
  // guard: timestamp-imprint
  if (!question.stamped.some((stamped) => isTimestampOf(token, stamped)))
    refuse("noTrustedTime", "timestamp is over other bytes");
  const trusted = question.authorities.some((authority) => isByAuthority(token, authority, question.cache));
  // guard: timestamp-authority
  if (!trusted) refuse("noTrustedTime", "timestamp is not by a trusted timestamp authority");
  return token.genTime;
}

function isByAuthority(token: TimestampToken, authority: TimestampAuthority, cache: FactCache): boolean {
  const embedded = token.certificates.flatMap(readEmbedded);
  const candidates = authority.leaves.length > 0 ? authority.leaves : embedded;
  const signer = candidates.find((certificate) => isSigner(token, certificate));
  // guard: timestamp-usage
  if (signer === undefined || !isTimestamping(signer)) return false;
  // guard: timestamp-signer-ca
  if (signer.isCa) return false;
  // guard: timestamp-signature
  if (!isTimestampSigned(token, signer.key.keyObject)) return false;
  const question = { pools: [authority.pool], untrusted: embedded, usage: usage.timeStamping, cache };
  return certificatePaths(signer, question).some((path) => isValidAt(path, token.genTime));
}

function readEmbedded(der: Buffer): readonly Certificate[] {
  try {
    return [parseCertificate(der, "certificate of the timestamp")];
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}

/** The certificate that signed is the one the token names, not the first one in the bag (CVE-2026-39984). */
function isSigner({ signer, signature }: TimestampToken, certificate: Certificate): boolean {
  const named =
    certificate.issuer.equals(signer.issuer) && certificate.serialNumber.equals(signer.serialNumber);
  if (!named || signature.certificate === undefined) return named;
  const { hash, digest } = signature.certificate;
  return hashBytes(hash, certificate.der, "buffer").equals(digest);
}

/** RFC 3161 §2.3: timeStamping as the only extended key usage, and critical. */
function isTimestamping({ extendedKeyUsage, extensions }: Certificate): boolean {
  const critical = extensions.get(extensionId.extendedKeyUsage)?.critical === true;
  return critical && extendedKeyUsage?.length === 1 && extendedKeyUsage[0] === usage.timeStamping;
}
