import type { EvidenceSignature } from "./evidence-signature.ts";
import type { PreparedSigner } from "./prepared.ts";
import type { ProofInput } from "./proof-input.ts";
import { Refusal, type RefusalCode } from "./refusal.ts";
import { type ProvenSignature, proveSignature } from "./signature-proof.ts";

/** What one signer's proof of one signature came to, and in what light. */
export interface RememberedProof {
  readonly trust: ProofInput["trust"];
  readonly identity: ProofInput["identity"];
  /** When it was found out. A proof that looked at the clock holds for that moment only. */
  readonly now: number;
  readonly isTimeless: boolean;
  readonly result: ProvenSignature | Refusal;
}

/** Refusals that no later moment changes. */
const lasting: readonly RefusalCode[] = [
  "badSignature",
  "untrustedSigner",
  "identityMismatch",
  "logMissing",
  "malformed",
];

/**
 * `proveSignature`, remembered per signer and signature (by object, not by content). Trust root and order of checks must
 * be the same; what depended on the clock is found out anew unless the clock stands where it stood.
 */
export function rememberedProof(
  signature: EvidenceSignature,
  signer: PreparedSigner,
  input: ProofInput,
): ProvenSignature {
  const known = signer.proofs.get(signature);
  if (known !== undefined && fits(known, input)) return resultOf(known);
  const found = prove(signature, signer, input);
  signer.proofs.set(signature, found);
  return resultOf(found);
}

function fits({ trust, identity, now, isTimeless }: RememberedProof, input: ProofInput): boolean {
  if (trust !== input.trust || identity !== input.identity) return false;
  const time = input.now.getTime();
  // A log entry of the future is refused: what was none then is none later, but might have been one before.
  return time === now || (isTimeless && time > now);
}

function prove(signature: EvidenceSignature, signer: PreparedSigner, input: ProofInput): RememberedProof {
  const light = { trust: input.trust, identity: input.identity, now: input.now.getTime() };
  try {
    const result = proveSignature(signature, signer, input);
    return { ...light, isTimeless: !result.looksAtClock, result };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...light, isTimeless: lasting.includes(error.code), result: error };
  }
}

function resultOf({ result }: RememberedProof): ProvenSignature {
  if (result instanceof Refusal) throw result;
  return result;
}
