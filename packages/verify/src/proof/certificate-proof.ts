import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import { refuse } from "../refusal.ts";
import { type Certificate, parseCertificate } from "../signer/certificate.ts";
import {
  allowsUsage,
  type CertificatePath,
  type CertificatePool,
  certificatePaths,
  isValidAt,
  usage,
} from "../signer/certificate-chain.ts";
import { checkCertificateTimestamps } from "../signer/sct.ts";
import { always, type TrustMaterial } from "../trust/trust-material.ts";
import type { PreparedSigner } from "./prepared.ts";
import { fromTrust, type ProofInput } from "./proof-input.ts";
import type { VerifiedTime } from "./verified-times.ts";

/** RFC 5280 and Fulcio's profile of what may sign code. */
export function checkLeaf(leaf: Certificate, { signer }: PreparedSigner): void {
  // guard: leaf-ca
  if (leaf.isCa) refuse("untrustedSigner", "certificate is that of an authority, which may not sign code");
  // guard: leaf-key-usage
  if (leaf.keyUsage?.digitalSignature === false)
    refuse("untrustedSigner", "certificate may not be used for signatures");
  const mustSay = signer.kind === "keyless" && leaf.extendedKeyUsage === undefined;
  // guard: leaf-extended-usage
  if (mustSay || !allowsUsage(leaf, usage.codeSigning))
    refuse("untrustedSigner", "certificate may not be used for code signing");
}

/** A certificate that has to prove itself, and by what. */
export interface ChainInput {
  readonly signature: EvidenceSignature;
  readonly signer: PreparedSigner;
  readonly times: readonly VerifiedTime[];
  readonly input: ProofInput;
}

/**
 * Proves a certificate: somebody trusted vouches for it, at the time of the signature, and a CT log promised to show it.
 */
export function checkChain(leaf: Certificate, { signature, signer, times, input }: ChainInput): void {
  const paths = trustedPaths(leaf, { signature, signer, input });
  // cosign: a certificate that only the policy has is trusted for ever, one that came with the signature is not.
  const isTimed = signer.signer.kind !== "certificate" || signature.certificates.length > 0;
  const path = isTimed ? validPath(paths, signer, times, input.now) : paths[0];
  const { pools, cache } = poolsOf(signer, input);
  if (signer.ctLog === "ignore" || pools === undefined) return;
  const logs = signer.ctLog === "trust" ? fromTrust(input, "CT log keys").ctLogs : signer.ctLog;
  checkCertificateTimestamps(leaf, path.certificates[1] ?? leaf, logs, cache);
}

/** The ways from a certificate to somebody trusted, at whatever time. At least one, or the certificate is refused. */
export function trustedPaths(
  leaf: Certificate,
  { signature, signer, input }: Omit<ChainInput, "times">,
): readonly [CertificatePath, ...CertificatePath[]] {
  const { pools, cache } = poolsOf(signer, input);
  // A certificate that the policy pins without its authority is its own anchor.
  if (pools === undefined) return [{ certificates: [leaf], validFor: always }];
  const [path, ...others] = findPaths(leaf, signature, pools, cache);
  // guard: chain-anchor
  if (path === undefined) refuse("untrustedSigner", "certificate signed by unknown authority");
  return [path, ...others];
}

/** Undefined: the policy pins the certificate itself. Not so an empty list: then nobody vouches for anything. */
function poolsOf(
  { signer, cache }: PreparedSigner,
  input: ProofInput,
): { readonly pools: readonly CertificatePool[] | undefined; readonly cache: TrustMaterial["cache"] } {
  switch (signer.kind) {
    case "key":
      return { pools: undefined, cache };
    case "certificate":
      return { pools: signer.pool && [signer.pool], cache };
    case "authority":
      return { pools: [signer.pool], cache };
    case "keyless": {
      if (signer.pool !== "trust") return { pools: [signer.pool], cache };
      const trust = fromTrust(input, "certificate authorities");
      return { pools: trust.certificateAuthorities, cache: trust.cache };
    }
  }
}

/** Certificates that came along are tried only where the trusted ones do not lead to an anchor. */
function findPaths(
  leaf: Certificate,
  signature: EvidenceSignature,
  pools: readonly CertificatePool[],
  cache: TrustMaterial["cache"],
): readonly CertificatePath[] {
  const question = { pools, untrusted: [], usage: usage.codeSigning, cache };
  const paths = certificatePaths(leaf, question);
  if (paths.length > 0 || signature.certificates.length < 2) return paths;
  const untrusted = signature.certificates.slice(1).map((der) => parseCertificate(der, "chain certificate"));
  return certificatePaths(leaf, { ...question, untrusted });
}

/** A path that is valid at every verified time; without any, and only where the policy waives the log, now. */
function validPath(
  paths: readonly [CertificatePath, ...CertificatePath[]],
  signer: PreparedSigner,
  times: readonly VerifiedTime[],
  now: Date,
): CertificatePath {
  // guard: time-required
  if (times.length === 0 && signer.log !== "ignore") {
    refuse("noTrustedTime", "nobody vouches for the time of the signature");
  }
  const dates = times.length === 0 ? [now] : times.map(({ date }) => date);
  const valid = paths.find((path) => dates.every((date) => isValidAt(path, date)));
  // guard: certificate-time
  if (valid === undefined) refuseTime(dates, times.length > 0);
  return valid;
}

function refuseTime(dates: readonly Date[], isVerified: boolean): never {
  if (!isVerified)
    return refuse("noTrustedTime", "expected a signed timestamp to verify an expired certificate");
  return refuse("expiredCertificate", "certificate was not valid when the signature was made", {
    received: dates.map((date) => date.toISOString()),
  });
}
