import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import { Refusal, type RefusalCode } from "../refusal.ts";
import type { PreparedSigner } from "./prepared.ts";
import type { ProofInput } from "./proof-input.ts";
import type { ProvenSignature, RememberedProof } from "./proven-signature.ts";
import { proveSignature } from "./signature-proof.ts";

/** Refusals that no later moment changes. */
const lasting: readonly RefusalCode[] = [
  "badSignature",
  "untrustedSigner",
  "identityMismatch",
  "logMissing",
  "malformed",
];

/**
 * `proveSignature`, remembered per demand and signature (by object, not by content). Trust root and order of checks must
 * be the same; what depended on the clock is found out anew unless the clock stands where it stood, and what depended on
 * the answer of a log always.
 */
export function rememberedProof(
  signature: EvidenceSignature,
  signer: PreparedSigner,
  input: ProofInput,
): ProvenSignature {
  const proofs = signer.proofs[input.identity ?? "first"];
  const known = proofs.get(signature);
  if (known !== undefined && fits(known, input)) return resultOf(known);
  const { found, askedLogs } = prove(signature, signer, input);
  // guard: remembered-answers
  if (askedLogs) return resultOf(found);
  proofs.set(signature, found);
  return resultOf(found);
}

function fits({ trust, now, ...known }: RememberedProof, input: ProofInput): boolean {
  if (trust !== input.trust) return false;
  if (known.mayAskLogs !== (input.logLookup !== undefined)) return false;
  const time = input.now.getTime();
  // A log entry of the future is refused: what was none then is none later, but might have been one before.
  return time === now || (known.isTimeless && time > now);
}

function prove(
  signature: EvidenceSignature,
  signer: PreparedSigner,
  input: ProofInput,
): { readonly found: RememberedProof; readonly askedLogs: boolean } {
  const { trust, now, logLookup } = input;
  let askedLogs = false;
  const watched: ProofInput["logLookup"] =
    logLookup &&
    ((question) => {
      askedLogs = true;
      return logLookup(question);
    });
  const light = { trust, now: now.getTime(), mayAskLogs: logLookup !== undefined };
  try {
    const result = proveSignature(signature, signer, { ...input, logLookup: watched });
    return { found: { ...light, isTimeless: !result.looksAtClock, result }, askedLogs };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { found: { ...light, isTimeless: lasting.includes(error.code), result: error }, askedLogs };
  }
}

function resultOf({ result }: RememberedProof): ProvenSignature {
  if (result instanceof Refusal) throw result;
  return result;
}
