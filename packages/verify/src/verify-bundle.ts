import { constants, hash as hashBytes, type KeyObject, publicDecrypt } from "node:crypto";
import { type Digest, parseDigest } from "@assay/image";
import type { Trace } from "@assay/policy";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { digestOf } from "./digest-memo.ts";
import { bufferOf } from "./encoding/buffer-of.ts";
import { parseDsseStatement } from "./evidence/bundle-statement.ts";
import type { EvidenceSignature } from "./evidence/evidence-signature.ts";
import { checkStatementSubject } from "./evidence/in-toto-statement.ts";
import type { Artifact } from "./evidence/signed-content.ts";
import { parseSigstoreBundle } from "./evidence/sigstore-bundle.ts";
import { factCache } from "./fact-cache.ts";
import type { SignerFacts } from "./kernel.ts";
import type { PreparedSigner, SignerRule } from "./proof/prepared.ts";
import { proveSignature } from "./proof/signature-proof.ts";
import { outcomeOf, reasonOf, refuse } from "./refusal.ts";
import { parseCertificate } from "./signer/certificate.ts";
import type { TextMatcher } from "./signer/identity.ts";
import { hashesOfKey, parsePublicKeys } from "./signer/public-key.ts";
import { type TrustRoot, trusted } from "./trust/trust-root.ts";
import { VerifyError } from "./verify-error.ts";

/** What a bundle is to prove about an artifact. Identities are compared as they are: no wildcard, no regexp. */
export interface BundleQuestion {
  readonly artifact: { readonly bytes: Uint8Array } | { readonly digest: Digest };
  readonly signer: { readonly key: string } | { readonly subject: string; readonly issuer: string };
  readonly trust: TrustRoot;
  readonly now: Date;
}

/** `outcome: pass` of the trace is the only yes. */
export interface BundleJudgement {
  readonly trace: Trace;
  readonly signer?: SignerFacts;
  /** Of an attestation. */
  readonly predicateType?: string;
}

/**
 * Verifies one Sigstore bundle about a file, with a transparency log entry and, for certificates, an SCT and a verified
 * time (the protocol of sigstore-conformance). Not for images: those go by policy. Throws `VerifyError` for a bad key or
 * an empty identity only; what the bundle holds is judged.
 */
export function verifyBundle(bundle: Uint8Array, question: BundleQuestion): BundleJudgement {
  const signer = signerOf(question);
  const base = { step: "signature", path: "bundle", children: [] } as const;
  try {
    const signature = withArtifact(readBundle(bundle), question);
    const { facts } = proveSignature(signature, signer, {
      trust: question.trust[trusted],
      now: question.now,
    });
    const statement = parseDsseStatement(signature.content);
    if (statement !== undefined) checkStatementSubject(statement, artifactDigest(question));
    const trace: Trace = {
      ...base,
      outcome: "pass",
      code: "ok",
      message: `signed by ${facts.subject ?? facts.keyId}`,
    };
    return {
      trace,
      signer: facts,
      ...(statement === undefined ? {} : { predicateType: statement.predicateType }),
    };
  } catch (error) {
    const { code, ...reason } = reasonOf(error);
    return { trace: { ...base, outcome: outcomeOf(code), code, ...reason } };
  }
}

function readBundle(bytes: Uint8Array): EvidenceSignature {
  return parseSigstoreBundle(bufferOf(bytes), { shelf: "given", repository: "" }, parseCertificate);
}

function signerOf({ signer }: BundleQuestion): PreparedSigner {
  return {
    kind: "signer",
    path: "bundle",
    source: { file: "", line: 1, column: 1 },
    annotations: {},
    signer: "key" in signer ? keyRule(signer.key) : identityRule(signer.subject, signer.issuer),
    log: "trust",
    ctLog: "trust",
    timestampAuthority: undefined,
    cache: factCache(64),
    proofs: { first: new WeakMap(), last: new WeakMap() },
  };
}

function keyRule(pem: string): SignerRule {
  const keys = parsePublicKeys(pem);
  const [key, ...others] = typeof keys === "string" ? [] : keys;
  if (typeof keys === "string") throw new VerifyError("invalidPolicy", "key", keys);
  if (key === undefined || others.length > 0)
    throw new VerifyError("invalidPolicy", "key", "one public key is needed");
  return { kind: "key", key, hashes: hashesOfKey(key) };
}

function identityRule(subject: string, issuer: string): SignerRule {
  if (subject === "" || issuer === "")
    throw new VerifyError("invalidPolicy", "identity", "subject and issuer are needed");
  return {
    kind: "keyless",
    identity: { subject: exactly(subject), issuer: exactly(issuer), extensions: {} },
    pool: "trust",
  };
}

function exactly(text: string): TextMatcher {
  return { text, test: (value) => value === text };
}

function artifactDigest({ artifact }: BundleQuestion): Digest {
  if ("digest" in artifact) return artifact.digest;
  return parseDigest(`sha256:${hashBytes("sha256", artifact.bytes)}`);
}

/** A message signature is over the artifact; whoever has only its digest verifies over that. */
function withArtifact(signature: EvidenceSignature, question: BundleQuestion): EvidenceSignature {
  const { content } = signature;
  if (content.kind !== "message") return signature;
  return { ...signature, content: { ...content, artifact: artifactOf(question) } };
}

function artifactOf({ artifact }: BundleQuestion): Artifact {
  if (!("bytes" in artifact)) return { sha256: sha256Of(artifact.digest), verifyPrehashed };
  const bytes = bufferOf(artifact.bytes);
  return { bytes, digestOf: digestOf(bytes) };
}

function sha256Of(digest: Digest): Buffer {
  const [algorithm, hex = ""] = digest.split(":");
  return algorithm === "sha256"
    ? Buffer.from(hex, "hex")
    : refuse("claimMismatch", "only sha256 digests can be verified");
}

const curves = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;

/** DigestInfo of SHA-256 (RFC 8017 §9.2, note 1). */
const sha256DigestInfo = Buffer.from("3031300d060960864801650304020105000420", "hex");

/** Verifies over a digest, which Node's own crypto does not offer. DER signatures; high s is as good as low s. */
function verifyPrehashed(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  try {
    if (key.asymmetricKeyType === "rsa") {
      const info = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
      return info.equals(Buffer.concat([sha256DigestInfo, digest]));
    }
    const name = key.asymmetricKeyDetails?.namedCurve;
    if (name !== "prime256v1" && name !== "secp384r1" && name !== "secp521r1") return false;
    const { x = "", y = "" } = key.export({ format: "jwk" });
    const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
    return curves[name].verify(signature, digest, point, { prehash: false, format: "der", lowS: false });
  } catch {
    return false;
  }
}
