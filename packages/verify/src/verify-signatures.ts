import { hash as hashBytes } from "node:crypto";
import type { JsonObject, Trace } from "@assay/policy";
import { checkAnnotations, mergedAnnotations } from "./annotations.ts";
import type { ReadCandidate } from "./evidence-candidates.ts";
import { isWanted, relevantGaps } from "./evidence-candidates.ts";
import type { EvidenceSignature } from "./evidence-signature.ts";
import { checkStatementSubject, type InTotoStatement } from "./in-toto-statement.ts";
import { judgeCandidate } from "./judge-candidate.ts";
import { judgeSets } from "./judge-sets.ts";
import type { KernelInput, SignatureJudgement, VerifiedSignature } from "./kernel.ts";
import { closest, type LeafJudgement, unsatisfied } from "./leaf-judgement.ts";
import { bufferOf } from "./legacy-layer.ts";
import { cosignSignPredicateType } from "./predicate-types.ts";
import type { PreparedSets, PreparedSigner } from "./prepared.ts";
import { refuse } from "./refusal.ts";
import { checkSimpleSigningClaim } from "./simple-signing.ts";

/**
 * Do these signatures satisfy these attestors? All sets must hold; one signature must satisfy all that one attestor
 * asks. `path` is the policy's field path of the attestors. Never throws for what the evidence holds.
 */
export function verifySignatures(sets: PreparedSets, path: string, input: KernelInput): SignatureJudgement {
  const judged = judgeSets(sets, (signer, everySigner) => judgeSigner(signer, everySigner, sets, input));
  return { ...pick(judged), trace: { ...judged.trace, path } };
}

function pick({
  verified,
  needsTrust,
  needsEvidence,
}: LeafJudgement<VerifiedSignature>): Omit<SignatureJudgement, "trace"> {
  return { verified, needsTrust, needsEvidence };
}

function judgeSigner(
  signer: PreparedSigner,
  everySigner: boolean,
  sets: PreparedSets,
  input: KernelInput,
): LeafJudgement<VerifiedSignature> {
  const evidence = input.evidence(signer.repository);
  const children: Trace[] = [];
  const verified: VerifiedSignature[] = [];
  const signers: (readonly string[])[] = [];
  for (const candidate of evidence.candidates) {
    if (!isWanted(candidate, "signature", input.format)) continue;
    const read = withManifest(sets.reader.read(candidate), input);
    if (!isSignature(read, input)) continue;
    if (verified.length > 0 && !everySigner) break;
    const judged = judgeCandidate(
      read,
      { signer, sets, input, step: "signature" },
      ({ signature, statement }) => {
        const annotations = statement === undefined ? claimOf(signature, input) : subjectOf(statement, input);
        checkAnnotations(signer.annotations, annotations);
        return annotations;
      },
    );
    children.push(judged.trace);
    if (judged.proof === undefined) continue;
    signers.push(judged.proof.names);
    verified.push({
      attestor: signer.path,
      signer: judged.proof.facts,
      annotations: judged.value,
      origin: read.origin,
    });
  }
  const trace = { step: "attestor", path: signer.path, source: signer.source, children } as const;
  if (verified.length > 0) {
    const passed = { ...trace, outcome: "pass", code: "ok", message: "verified image signature" } as const;
    return { trace: passed, signers, verified, needsTrust: false, needsEvidence: false };
  }
  const best = closest(children);
  const { outcome, code, message, ...needs } = unsatisfied(
    children,
    relevantGaps(evidence, "signature", input.format),
    {
      code: best?.code ?? "notSigned",
      message:
        best === undefined
          ? "failed to verify signature: no signatures found"
          : `failed to verify signature: no matching signatures: ${best.message}`,
    },
  );
  return { trace: { ...trace, outcome, code, message }, signers: [], verified: [], ...needs };
}

/**
 * An attestation is no image signature: a statement counts where it is cosign's own kind, or where the policy's reader
 * asked for any (as cosign and Kyverno read it). The type read here is unproven, but it can only narrow.
 */
function isSignature(read: ReadCandidate, { signaturePredicateTypes }: KernelInput): boolean {
  if (read.kind === "refused") return true;
  return (
    read.statement === undefined ||
    signaturePredicateTypes === "any" ||
    read.statement.predicateType === cosignSignPredicateType
  );
}

/** A bundle may sign the manifest itself: then the manifest is what has to be the image. */
function withManifest(read: ReadCandidate, { manifest }: KernelInput): ReadCandidate {
  if (manifest === undefined || read.kind === "refused" || read.signature.content.kind !== "message")
    return read;
  const content = { ...read.signature.content, artifact: { bytes: bufferOf(manifest) } };
  return { ...read, signature: { ...read.signature, content } };
}

function claimOf({ content }: EvidenceSignature, { digest }: KernelInput): JsonObject {
  switch (content.kind) {
    case "simpleSigning":
      return checkSimpleSigningClaim(content.payload, digest);
    case "message": {
      const [algorithm = ""] = digest.split(":");
      const bytes =
        content.artifact && "bytes" in content.artifact ? content.artifact.bytes : Buffer.alloc(0);
      const signed = `${algorithm}:${hashBytes(algorithm, bytes)}`;
      // guard: manifest-digest
      if (signed !== digest)
        refuse("claimMismatch", "the signed manifest is not this image's", {
          expected: digest,
          received: signed,
        });
      return {};
    }
    case "dsse":
      return refuse("claimMismatch", "an envelope without statement makes no claim about an image");
  }
}

function subjectOf(statement: InTotoStatement, input: KernelInput): JsonObject {
  const subjects = checkStatementSubject(statement, input.digest);
  // guard: signature-predicate-type
  if (input.signaturePredicateTypes !== "any" && statement.predicateType !== cosignSignPredicateType) {
    refuse("predicateTypeMissing", "an attestation is not an image signature");
  }
  statement.readPredicate();
  return mergedAnnotations(subjects);
}
