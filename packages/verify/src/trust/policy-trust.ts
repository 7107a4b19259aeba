import { hash as hashBytes } from "node:crypto";
import { parsePem } from "../encoding/pem.ts";
import type { TransparencyLog } from "../log/transparency-log.ts";
import { Refusal } from "../refusal.ts";
import { type Certificate, parseCertificate } from "../signer/certificate.ts";
import type { CertificatePool } from "../signer/certificate-chain.ts";
import { parsePublicKeys } from "../signer/public-key.ts";
import type { CtLog } from "../signer/sct.ts";
import type { TimestampAuthority } from "../time/timestamp-authority.ts";
import { VerifyError } from "../verify-error.ts";
import { always } from "./trust-material.ts";

/** Kyverno's limits (pkg/image/verifiers/cpol/cosign/cosign.go): a leaf, ten intermediates, and roots. */
const maxChain = 11;
const maxTimestampChain = 12;
const maxRoots = 64;

/** `rekor.pubkey`: one or several keys, each the key of a log. */
export function policyLogs(pem: string, url: string | undefined, path: string): readonly TransparencyLog[] {
  return policyKeys(pem, path).map((key) => ({
    key,
    logId: key.keyObject.asymmetricKeyType === "ed25519" ? undefined : logIdOf(key.spki),
    baseUrl: url ?? "",
    validFor: always,
  }));
}

/** `ctlog.pubkey`. */
export function policyCtLogs(pem: string, path: string): readonly CtLog[] {
  return policyKeys(pem, path).map((key) => ({ key, logId: logIdOf(key.spki), validFor: always }));
}

/** RFC 6962 §3.2: SHA-256 of the key. */
function logIdOf(spki: Buffer): Buffer {
  return hashBytes("sha256", spki, "buffer");
}

function policyKeys(pem: string, path: string): Exclude<ReturnType<typeof parsePublicKeys>, string> {
  const keys = parsePublicKeys(pem);
  return typeof keys === "string" ? invalid(path, keys) : keys;
}

/** `keyless.roots` and a lone `certificates.certChain`: every certificate in it is an anchor, intermediates too. */
export function policyRoots(pem: string, path: string): CertificatePool {
  return { anchors: policyCertificates(pem, path, maxRoots), intermediates: [], validFor: always };
}

/** `certificates.certChain` beside `cert`: the last certificate is the anchor. */
export function policyChain(pem: string, path: string): CertificatePool {
  const certificates = policyCertificates(pem, path, maxChain);
  return { anchors: certificates.slice(-1), intermediates: certificates.slice(0, -1), validFor: always };
}

/** `ctlog.tsaCertChain`: at most one leaf, and at least one root. */
export function policyTimestampAuthority(pem: string, path: string): TimestampAuthority {
  const certificates = policyCertificates(pem, path, maxTimestampChain);
  const leaves = certificates.filter(({ isCa }) => !isCa);
  const anchors = certificates.filter((one) => one.isCa && one.subject.equals(one.issuer));
  if (leaves.length > 1) invalid(path, "certificate chain must contain at most one TSA certificate");
  if (anchors.length === 0) invalid(path, "TSA certificate chain holds no root certificate");
  const intermediates = certificates.filter((one) => !leaves.includes(one) && !anchors.includes(one));
  return { pool: { anchors, intermediates, validFor: always }, leaves };
}

/** PEM certificates of a policy. */
export function policyCertificates(pem: string, path: string, max: number): readonly Certificate[] {
  const parsed = parsePem(pem, max);
  if ("problem" in parsed) return invalid(path, `certificate ${parsed.problem}`);
  return parsed.blocks.map(({ label, der }) => {
    if (label !== "CERTIFICATE")
      return invalid(path, `expected a PEM block \`CERTIFICATE\`, found \`${label}\``);
    try {
      return parseCertificate(der);
    } catch (cause) {
      if (cause instanceof Refusal) return invalid(path, cause.message, cause);
      throw cause;
    }
  });
}

/** Refuses a policy, naming the field. */
export function invalid(path: string, message: string, cause?: unknown): never {
  throw new VerifyError("invalidPolicy", path, message, cause);
}
