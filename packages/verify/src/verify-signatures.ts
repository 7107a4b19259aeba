import type { Digest } from "@assay/image";
import type { JsonObject, Trace } from "@assay/policy";
import { digestOf } from "./digest-memo.ts";
import { bufferOf } from "./encoding/buffer-of.ts";
import { checkAnnotations, mergedAnnotations } from "./evidence/annotations.ts";
import {
  isWanted,
  type ReadCandidate,
  type ReadSignature,
  relevantGaps,
} from "./evidence/evidence-candidates.ts";
import type { EvidenceSignature } from "./evidence/evidence-signature.ts";
import { checkStatementSubject, type InTotoStatement } from "./evidence/in-toto-statement.ts";
import { type Artifact, notAtHand } from "./evidence/signed-content.ts";
import { checkSimpleSigningClaim } from "./evidence/simple-signing.ts";
import { judgeCandidate } from "./judge/judge-candidate.ts";
import { judgeSets } from "./judge/judge-sets.ts";
import {
  closest,
  furtherSigners,
  type Judgement,
  nothingNeeded,
  type Tried,
  unsatisfied,
} from "./judge/judgement.ts";
import type { KernelInput, SignatureJudgement, VerifiedSignature } from "./kernel.ts";
import type { LogQuestion } from "./log/log-lookup.ts";
import { cosignSignPredicateType } from "./predicate-types.ts";
import type { PreparedSets, PreparedSigner } from "./proof/prepared.ts";
import { refuse } from "./refusal.ts";
import type { SignerNames } from "./signer/distinct-signers.ts";

/**
 * Do these signatures satisfy these attestors? All sets must hold; one signature must satisfy all that one attestor
 * asks. `path` is the policy's field path of the attestors. Never throws for what the evidence holds.
 */
export function verifySignatures(sets: PreparedSets, path: string, input: KernelInput): SignatureJudgement {
  const { signers: _, ...judged } = judgeSets(sets, (signer, everySigner) =>
    judgeSigner(signer, everySigner, sets, input),
  );
  return { ...judged, trace: { ...judged.trace, path } };
}

function judgeSigner(
  signer: PreparedSigner,
  everySigner: boolean,
  sets: PreparedSets,
  input: KernelInput,
): Judgement<VerifiedSignature> {
  const { children, verified, signers, needsLog } = findSignatures(signer, everySigner, sets, input);
  const place = { step: "attestor", path: signer.path, source: signer.source, children } as const;
  const gaps = relevantGaps(input.evidence(signer.repository), "signature", input.format);
  if (verified.length > 0) {
    const trace = { ...place, outcome: "pass", code: "ok", message: "verified image signature" } as const;
    const further = everySigner ? furtherSigners({ children, needsLog }, gaps) : {};
    return { trace, signers, verified, ...nothingNeeded, ...further };
  }
  const best = closest(children);
  const found = best === undefined ? "no signatures found" : `no matching signatures: ${best.message}`;
  const reason = {
    code: best?.code ?? "notSigned",
    message: `failed to verify signature: ${found}`,
  } as const;
  const { outcome, code, message, ...needs } = unsatisfied({ children, needsLog }, gaps, reason);
  return { trace: { ...place, outcome, code, message }, signers: [], verified: [], ...needs };
}

interface FoundSignatures extends Tried {
  readonly verified: readonly VerifiedSignature[];
  readonly signers: readonly SignerNames[];
}

/** The first signature that satisfies the signer, or (where signers must be told apart) all of them. */
function findSignatures(
  signer: PreparedSigner,
  everySigner: boolean,
  sets: PreparedSets,
  input: KernelInput,
): FoundSignatures {
  const children: Trace[] = [];
  const verified: VerifiedSignature[] = [];
  const signers: SignerNames[] = [];
  const artifact = manifestOf(input);
  const needsLog: LogQuestion[] = [];
  for (const candidate of input.evidence(signer.repository).candidates) {
    if (verified.length > 0 && !everySigner) break;
    if (!isWanted(candidate, "signature", input.format)) continue;
    const read = withArtifact(sets.reader.read(candidate), artifact);
    if (!isSignature(read, input)) continue;
    const question = { signer, sets, input, step: "signature" } as const;
    const judged = judgeCandidate(read, question, (proven) => signedAnnotations(proven, signer, input));
    children.push(judged.trace);
    if (judged.proof === undefined) {
      needsLog.push(...judged.needsLog);
      continue;
    }
    const { names, facts, restsOnTrustRoot } = judged.proof;
    signers.push(names);
    verified.push({
      attestor: signer.path,
      signer: facts,
      annotations: judged.value,
      origin: read.origin,
      restsOnTrustRoot,
    });
  }
  return { children, verified, signers, needsLog };
}

/** What the proven signature says: that it is about this image, and annotations, which must hold what is asked. */
function signedAnnotations(
  { signature, statement, problem }: ReadSignature,
  signer: PreparedSigner,
  input: KernelInput,
): JsonObject {
  if (problem !== undefined) throw problem;
  const annotations = statement === undefined ? claimOf(signature, input) : subjectOf(statement, input);
  checkAnnotations(signer.annotations, annotations);
  return annotations;
}

/**
 * An attestation is no image signature: a statement counts where it is cosign's own kind, or where the policy's reader
 * asked for any (as cosign and Kyverno read it). The type read here is unproven, but it can only narrow.
 */
function isSignature(read: ReadCandidate, { signaturePredicateTypes }: KernelInput): boolean {
  if (read.kind === "refused" || read.problem !== undefined) return true;
  return (
    read.statement === undefined ||
    signaturePredicateTypes === "any" ||
    read.statement.predicateType === cosignSignPredicateType
  );
}

/** What a bundle signs that makes no statement: the image's manifest, as far as it is at hand. */
function manifestOf({ manifest, digest }: KernelInput): Artifact {
  if (manifest instanceof Uint8Array) {
    const bytes = bufferOf(manifest);
    return { bytes, digestOf: digestOf(bytes) };
  }
  const missing = manifest ?? notAtHand;
  // Whose digest is another's need not wait for the bytes.
  return digest.startsWith("sha256:")
    ? { missing, sha256: Buffer.from(digest.slice("sha256:".length), "hex") }
    : { missing };
}

function withArtifact(read: ReadCandidate, artifact: Artifact): ReadCandidate {
  if (read.kind === "refused" || read.signature.content.kind !== "message") return read;
  const content = { ...read.signature.content, artifact };
  return { ...read, signature: { ...read.signature, content } };
}

function claimOf({ content }: EvidenceSignature, { digest }: KernelInput): JsonObject {
  switch (content.kind) {
    case "simpleSigning":
      return checkSimpleSigningClaim(content.payload, digest);
    case "message":
      checkManifest(content.artifact, digest);
      return {};
    case "dsse":
      return refuse("claimMismatch", "an envelope without statement makes no claim about an image");
  }
}

/** The bytes that were signed must be the image: whoever handed them in may have been lied to. */
function checkManifest(artifact: Artifact, digest: Digest): void {
  const [algorithm = ""] = digest.split(":");
  const signed = "bytes" in artifact ? artifact.digestOf(algorithm).toString("hex") : "";
  // guard: manifest-digest
  if (`${algorithm}:${signed}` !== digest)
    refuse("claimMismatch", "the signed manifest is not this image's", {
      expected: digest,
      received: `${algorithm}:${signed}`,
    });
}

function subjectOf(statement: InTotoStatement, input: KernelInput): JsonObject {
  const subjects = checkStatementSubject(statement, input.digest);
  // second line: signature-predicate-type
  if (input.signaturePredicateTypes !== "any" && statement.predicateType !== cosignSignPredicateType) {
    refuse("predicateTypeMissing", "an attestation is not an image signature");
  }
  statement.readPredicate();
  return mergedAnnotations(subjects);
}
