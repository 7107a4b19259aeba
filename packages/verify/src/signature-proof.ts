import type { Certificate } from "./certificate.ts";
import { parseCertificate } from "./certificate.ts";
import {
  allowsUsage,
  type CertificatePath,
  type CertificatePool,
  certificatePaths,
  isValidAt,
  usage,
} from "./certificate-chain.ts";
import type { Signer } from "./distinct-signers.ts";
import type { EvidenceSignature } from "./evidence-signature.ts";
import { checkIdentity, readIdentity } from "./identity.ts";
import type { SignerFacts } from "./kernel.ts";
import type { PreparedSigner } from "./prepared.ts";
import { type HashName, hashesOfKey, type PublicKey } from "./public-key.ts";
import { Refusal, refuse } from "./refusal.ts";
import { checkCertificateTimestamps } from "./sct.ts";
import { type CheckedSignature, checkSignature } from "./signed-content.ts";
import { checkTimestamp } from "./timestamp-authority.ts";
import { checkTransparencyLog, type LoggedFacts } from "./transparency-log.ts";
import { always, type TrustMaterial } from "./trust-material.ts";

/** What a signature is judged by, beside the signer that the policy names. */
export interface ProofInput {
  /** Undefined: not loaded. */
  readonly trust: TrustMaterial | undefined;
  readonly now: Date;
  /** `last`: a refusal for the identity then means that all else was proven. Default: before anything costly. */
  readonly identity?: "first" | "last";
}

/** Everything that was proven about a signature. What it says is not yet read. */
export interface ProvenSignature {
  readonly facts: SignerFacts;
  readonly names: Signer;
}

/**
 * Proves that the signature is by this signer: key or identity, log, certificate chain, CT log and time, all on this one
 * signature. Cheap checks and those that need no trust root come first, so that the trust root is asked for only where
 * it decides. Refuses at the first check that fails.
 */
export function proveSignature(
  signature: EvidenceSignature,
  signer: PreparedSigner,
  input: ProofInput,
): ProvenSignature {
  const [der] = signature.certificates;
  const leaf = der === undefined ? undefined : parseCertificate(der);
  const by = signingKey(signer, leaf);
  const checked = verifySignature(signature, by);
  if (leaf !== undefined && by.certificate === leaf) checkLeaf(leaf, signer);
  if (input.identity !== "last") checkSigner(by, signer);
  const logged = checkLog(signature, { signer, by, checked, input });
  const times = verifiedTimes(signature, signer, logged, input);
  if (by.certificate !== undefined) checkChain(by.certificate, { signature, signer, times, input });
  if (input.identity === "last") checkSigner(by, signer);
  return { facts: factsOf(signer, by, times, logged), names: namesOf(signer, by) };
}

/** The key that must have signed. `certificate` is set where it is the certificate that must prove itself. */
interface SigningKey {
  readonly key: PublicKey;
  readonly hashes: readonly HashName[];
  readonly certificate?: Certificate;
}

function signingKey({ signer }: PreparedSigner, leaf: Certificate | undefined): SigningKey {
  switch (signer.kind) {
    case "key":
      return pinned(signer.key, signer.hashes, leaf);
    case "certificate":
      return { ...pinned(signer.certificate.key, signer.hashes, leaf), certificate: signer.certificate };
    case "authority":
    case "keyless":
      // guard: certificate-required
      if (leaf === undefined)
        return refuse("untrustedSigner", "empty key: it was signed with a key, not with a certificate");
      return { key: leaf.key, hashes: hashesOfKey(leaf.key.keyObject), certificate: leaf };
  }
}

function pinned(key: PublicKey, hashes: readonly HashName[], leaf: Certificate | undefined): SigningKey {
  // guard: foreign-certificate
  if (leaf !== undefined && !leaf.key.spki.equals(key.spki))
    refuse("untrustedSigner", "a certificate of another key stands beside the signature");
  return { key, hashes };
}

function verifySignature(signature: EvidenceSignature, { key, hashes }: SigningKey): CheckedSignature {
  const checked = checkSignature(signature.content, signature.signature, { key: key.keyObject, hashes });
  return (
    checked ??
    refuse("badSignature", "invalid signature: made by another key, or what was signed has been altered")
  );
}

/** RFC 5280 and Fulcio's profile of what may sign code. */
function checkLeaf(leaf: Certificate, { signer }: PreparedSigner): void {
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

/** Is the certificate that of the identity that the policy names? */
function checkSigner({ certificate }: SigningKey, { signer }: PreparedSigner): void {
  if (signer.kind !== "keyless") return;
  const identity = readIdentity(
    certificate ?? refuse("untrustedSigner", "it was signed without certificate"),
  );
  checkIdentity(identity, signer.identity);
}

function fromTrust(input: ProofInput, what: string): TrustMaterial {
  return (
    input.trust ??
    refuse("trustUnavailable", `${what} are needed, and neither the policy nor a trust root gives them`)
  );
}

interface LogQuestion {
  readonly signer: PreparedSigner;
  readonly by: SigningKey;
  readonly checked: CheckedSignature;
  readonly input: ProofInput;
}

function checkLog(
  signature: EvidenceSignature,
  { signer, by, checked, input }: LogQuestion,
): LoggedFacts | undefined {
  if (signer.log === "ignore") return undefined;
  const entries = signature.logEntries;
  // guard: log-required
  if (entries.length === 0)
    refuse("logMissing", "signature not found in transparency log: it comes with no log entry");
  const logs = signer.log === "trust" ? fromTrust(input, "log keys").logs : signer.log;
  const [der] = signature.certificates;
  const logged = {
    content: signature.content,
    signature: signature.signature,
    signedDigest: checked.signedDigest,
    hash: checked.hash,
    spki: by.key.spki,
    key: by.key.keyObject,
    ...(der === undefined ? {} : { certificate: der }),
  };
  return checkTransparencyLog(entries, logs, logged, input.now);
}

type VerifiedTime = SignerFacts["verifiedTimes"][number] & { readonly date: Date };

/** Times that a log or a timestamp authority vouches for. Timestamps that do not verify are as good as absent. */
function verifiedTimes(
  signature: EvidenceSignature,
  signer: PreparedSigner,
  logged: LoggedFacts | undefined,
  input: ProofInput,
): readonly VerifiedTime[] {
  const times: VerifiedTime[] = (logged?.times ?? []).map((date) => ({
    from: "log",
    time: date.toISOString(),
    date,
  }));
  if (signature.timestamps.length === 0) return times;
  const material = timestampMaterial(signer, times.length > 0, input);
  if (material === undefined) return times;
  const stamped =
    signature.content.kind === "dsse" && signature.content.envelope ? [signature.content.envelope] : [];
  const question = { ...material, stamped: [signature.signature, ...stamped] };
  let reason: string | undefined;
  for (const token of signature.timestamps) {
    try {
      const date = checkTimestamp(token, question);
      times.push({ from: "timestampAuthority", time: date.toISOString(), date });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reason = error.message;
    }
  }
  if (times.length === 0 && reason !== undefined && isByCertificate(signer)) refuse("noTrustedTime", reason);
  return times;
}

function isByCertificate({ signer }: PreparedSigner): boolean {
  return signer.kind === "keyless" || signer.kind === "authority";
}

/**
 * Whose timestamps count: those of the policy's authority; else the trust root's, where it is needed anyway or nothing
 * else tells the time of a certificate. So the answer does not depend on whether a trust root happens to be loaded.
 */
function timestampMaterial(
  { signer, log, timestampAuthority, cache }: PreparedSigner,
  hasTime: boolean,
  input: ProofInput,
): Pick<Parameters<typeof checkTimestamp>[1], "authorities" | "cache"> | undefined {
  if (timestampAuthority !== undefined) return { authorities: [timestampAuthority], cache };
  const fromRoot = signer.kind === "keyless" && signer.pool === "trust";
  const isKey = signer.kind === "key" || signer.kind === "certificate";
  if (isKey ? log !== "trust" : hasTime && !fromRoot) return undefined;
  const trust = fromTrust(input, "timestamp authorities");
  return { authorities: trust.timestampAuthorities, cache: trust.cache };
}

interface ChainInput {
  readonly signature: EvidenceSignature;
  readonly signer: PreparedSigner;
  readonly times: readonly VerifiedTime[];
  readonly input: ProofInput;
}

function checkChain(leaf: Certificate, { signature, signer, times, input }: ChainInput): void {
  const { pools, cache } = poolsOf(signer, input);
  // A certificate that the policy pins without its authority is its own anchor.
  const own: CertificatePath = { certificates: [leaf], validFor: always };
  const paths = pools.length === 0 ? [own] : findPaths(leaf, signature, pools, cache);
  const path = paths[0] ?? refuse("untrustedSigner", "certificate signed by unknown authority");
  // cosign: a certificate that only the policy has is trusted for ever, one that came with the signature is not.
  const isTimed = signer.signer.kind !== "certificate" || signature.certificates.length > 0;
  const valid = isTimed ? validPath(paths, signer, times, input.now) : path;
  if (signer.ctLog === "ignore" || pools.length === 0) return;
  const logs = signer.ctLog === "trust" ? fromTrust(input, "CT log keys").ctLogs : signer.ctLog;
  checkCertificateTimestamps(leaf, valid.certificates[1] ?? leaf, logs, cache);
}

function poolsOf(
  { signer, cache }: PreparedSigner,
  input: ProofInput,
): { readonly pools: readonly CertificatePool[]; readonly cache: TrustMaterial["cache"] } {
  if (signer.kind === "key") return { pools: [], cache };
  if (signer.kind === "keyless" && signer.pool === "trust") {
    const trust = fromTrust(input, "certificate authorities");
    return { pools: trust.certificateAuthorities, cache: trust.cache };
  }
  const own = signer.pool;
  return { pools: own === undefined || own === "trust" ? [] : [own], cache };
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
  paths: readonly CertificatePath[],
  signer: PreparedSigner,
  times: readonly VerifiedTime[],
  now: Date,
): CertificatePath {
  // guard: time-required
  if (times.length === 0 && signer.log !== "ignore")
    refuse("noTrustedTime", "nobody vouches for the time of the signature");
  const dates = times.length === 0 ? [now] : times.map(({ date }) => date);
  const valid = paths.find((path) => dates.every((date) => isValidAt(path, date)));
  // guard: certificate-time
  if (valid !== undefined) return valid;
  if (times.length === 0)
    return refuse("noTrustedTime", "expected a signed timestamp to verify an expired certificate");
  return refuse("expiredCertificate", "certificate was not valid when the signature was made", {
    received: dates.map((date) => date.toISOString()),
  });
}

function factsOf(
  { signer }: PreparedSigner,
  { key, certificate }: SigningKey,
  times: readonly VerifiedTime[],
  logged: LoggedFacts | undefined,
): SignerFacts {
  const identity =
    certificate && (signer.kind === "keyless" || signer.kind === "authority")
      ? readIdentity(certificate)
      : undefined;
  const subject = identity?.subjects.join(", ");
  return {
    kind: signer.kind === "authority" ? "certificate" : signer.kind,
    keyId: key.keyId,
    ...(subject ? { subject } : {}),
    ...(identity?.issuer === undefined ? {} : { issuer: identity.issuer }),
    ...(identity === undefined ? {} : { extensions: identity.extensions }),
    verifiedTimes: times.map(({ from, time }) => ({ from, time })),
    ...(logged === undefined ? {} : { logIndex: logged.logIndex }),
  };
}

/** A keyless signer has a new key each time: it goes by its identity. */
function namesOf({ signer }: PreparedSigner, { key, certificate }: SigningKey): Signer {
  if (certificate === undefined) return [key.keyId];
  if (signer.kind !== "keyless")
    return [key.keyId, `${certificate.issuer.toString("hex")} ${certificate.subject.toString("hex")}`];
  const { issuer = "", subjects } = readIdentity(certificate);
  return [`${issuer} ${subjects.join(" ")}`];
}
