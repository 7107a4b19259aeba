import type { SignerFacts } from "../kernel.ts";
import type { Refusal } from "../refusal.ts";
import type { SignerNames } from "../signer/distinct-signers.ts";
import type { ProofInput } from "./proof-input.ts";

/** Everything that was proven about a signature. What it says is not yet read. */
export interface ProvenSignature {
  readonly facts: SignerFacts;
  readonly names: SignerNames;
  /** True where nobody vouches for a time, so that the certificate had to be valid now. */
  readonly looksAtClock: boolean;
  /** True where the trust root vouches for any part of it: by another one it may not hold. */
  readonly restsOnTrustRoot: boolean;
}

/** What one signer's proof of one signature came to, and in what light. */
export interface RememberedProof {
  readonly trust: ProofInput["trust"];
  /** When it was found out. A proof that looked at the clock holds for that moment only. */
  readonly now: number;
  readonly isTimeless: boolean;
  /** Whether logs could be asked. What one answered is nothing to remember here: see below. */
  readonly mayAskLogs: boolean;
  readonly result: ProvenSignature | Refusal;
}
