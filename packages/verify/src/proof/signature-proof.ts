import type { Digest } from "@assay/image";
import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import { type CheckedSignature, checkSignature } from "../evidence/signed-content.ts";
import { refuseUnverified } from "../evidence/unverified-signature.ts";
import type { SignerFacts } from "../kernel.ts";
import type { LoggedFacts } from "../log/transparency-log.ts";
import { refuse } from "../refusal.ts";
import type { HashName } from "../signer/algorithms.ts";
import type { Certificate } from "../signer/certificate.ts";
import type { SignerNames } from "../signer/distinct-signers.ts";
import { type CertificateIdentity, checkIdentity, readIdentity } from "../signer/identity.ts";
import { hashesOfKey, type PublicKey } from "../signer/public-key.ts";
import { checkChain, checkLeaf } from "./certificate-proof.ts";
import { checkLog } from "./log-proof.ts";
import type { PreparedSigner } from "./prepared.ts";
import type { ProofInput } from "./proof-input.ts";
import type { ProvenSignature } from "./proven-signature.ts";
import { type VerifiedTime, verifiedTimes } from "./verified-times.ts";

/**
 * Proves that the signature is by this signer: key or identity, log, certificate chain, CT log and time, all on this one
 * signature. Cheap checks and those that need no trust root come first, so that the trust root is asked for only where
 * it decides. Refuses at the first check that fails.
 */
export function proveSignature(
  signature: EvidenceSignature,
  signer: PreparedSigner,
  given: ProofInput,
): ProvenSignature {
  const { leaf } = signature;
  let restsOnTrustRoot = false;
  const input: ProofInput = {
    ...given,
    get trust() {
      restsOnTrustRoot = true;
      return given.trust;
    },
  };
  const by = signingKey(signer, leaf);
  const checked = verifySignature(signature, by, input.digest);
  if (leaf !== undefined && by.certificate === leaf) checkLeaf(leaf, signer);
  if (input.identity !== "last") checkSigner(by, signer);
  const { key, certificate } = by;
  const logged = checkLog(signature, { signer, checked, input, key, ...(certificate && { certificate }) });
  const times = verifiedTimes(signature, signer, logged, input);
  checkLogWindows(logged, times);
  if (by.certificate !== undefined) checkChain(by.certificate, { signature, signer, times, input });
  if (input.identity === "last") checkSigner(by, signer);
  return {
    facts: factsOf(signer, by, times, logged),
    names: namesOf(signer, by),
    looksAtClock: times.length === 0 && by.certificate !== undefined,
    restsOnTrustRoot,
  };
}

/** The key that must have signed. `certificate` is set where it is the certificate that must prove itself. */
interface SigningKey {
  readonly key: PublicKey;
  readonly hashes: readonly HashName[];
  readonly certificate?: Certificate;
  /** Read once, and not before somebody asks. */
  readonly identity?: () => CertificateIdentity;
}

function signingKey({ signer }: PreparedSigner, leaf: Certificate | undefined): SigningKey {
  switch (signer.kind) {
    case "key":
      return pinned(signer.key, signer.hashes, leaf);
    case "certificate":
      return { ...pinned(signer.certificate.key, signer.hashes, leaf), certificate: signer.certificate };
    case "authority":
    case "keyless":
      if (leaf === undefined)
        return refuse("untrustedSigner", "empty key: it was signed with a key, not with a certificate");
      return {
        key: leaf.key,
        hashes: hashesOfKey(leaf.key),
        certificate: leaf,
        identity: identityReader(leaf),
      };
  }
}

function identityReader(certificate: Certificate): () => CertificateIdentity {
  let identity: CertificateIdentity | undefined;
  return () => {
    identity ??= readIdentity(certificate);
    return identity;
  };
}

function pinned(key: PublicKey, hashes: readonly HashName[], leaf: Certificate | undefined): SigningKey {
  // guard: foreign-certificate
  if (leaf !== undefined && !leaf.key.spki.equals(key.spki))
    refuse("untrustedSigner", "a certificate of another key stands beside the signature");
  return { key, hashes };
}

function verifySignature(
  signature: EvidenceSignature,
  by: SigningKey,
  digest: Digest | undefined,
): CheckedSignature {
  const { key, hashes } = by;
  const checked = checkSignature(signature.content, signature.signature, { key: key.keyObject, hashes });
  return (
    checked ?? refuseUnverified(signature, { key, hashes, digest, isNamed: signature.leaf !== undefined })
  );
}

/** A log that had been retired before the signature was made cannot have seen it. */
function checkLogWindows(logged: LoggedFacts | undefined, times: readonly VerifiedTime[]): void {
  if (logged === undefined || times.length === 0) return;
  const stands = logged.windows.every(({ end }) => times.some(({ date }) => date <= end));
  // guard: log-window
  if (!stands) refuse("logMismatch", "transparency log had been retired when the signature was made");
}

/** Is the certificate that of the identity that the policy names? */
function checkSigner({ identity }: SigningKey, { signer }: PreparedSigner): void {
  if (signer.kind !== "keyless") return;
  checkIdentity(
    identity?.() ?? refuse("untrustedSigner", "it was signed without certificate"),
    signer.identity,
  );
}

function factsOf(
  { signer }: PreparedSigner,
  by: SigningKey,
  times: readonly VerifiedTime[],
  logged: LoggedFacts | undefined,
): SignerFacts {
  const identity = by.identity?.();
  const subject = identity?.subjects.join(", ");
  return {
    kind: signer.kind === "authority" ? "certificate" : signer.kind,
    keyId: by.key.keyId,
    ...(subject ? { subject } : {}),
    ...(identity?.issuer === undefined ? {} : { issuer: identity.issuer }),
    ...(identity === undefined ? {} : { extensions: identity.extensions }),
    verifiedTimes: times.map(({ from, time }) => ({ from, time })),
    ...(logged === undefined ? {} : { logIndex: logged.logIndex }),
  };
}

/** A keyless signer has a new key each time: it goes by its identity, and by each name that its certificate gives it. */
function namesOf({ signer }: PreparedSigner, { key, certificate, identity }: SigningKey): SignerNames {
  if (certificate === undefined) return [key.keyId];
  if (signer.kind !== "keyless") {
    return [key.keyId, `${certificate.issuer.toString("hex")} ${certificate.subject.toString("hex")}`];
  }
  const { issuer = "", subjects = [] } = identity?.() ?? {};
  return subjects.length === 0 ? [issuer] : subjects.map((subject) => `${issuer} ${subject}`);
}
