import type { Digest } from "@assay/image";
import type { LogLookup } from "../log/log-lookup.ts";
import { refuse } from "../refusal.ts";
import type { TrustMaterial } from "../trust/trust-material.ts";

/** What a signature is judged by, beside the signer that the policy names. */
export interface ProofInput {
  /** Undefined: not loaded. */
  readonly trust: TrustMaterial | undefined;
  readonly now: Date;
  /** The image; only words depend on it here. */
  readonly digest?: Digest;
  /** `last`: a refusal for the identity then means that all else was proven. Default: before anything costly. */
  readonly identity?: "first" | "last";
  /** Undefined: logs are not to be asked. */
  readonly logLookup?: LogLookup | undefined;
}

/** The trust root, where it decides. */
export function fromTrust(input: ProofInput, what: string): TrustMaterial {
  return (
    input.trust ??
    refuse("trustUnavailable", `${what} are needed, and neither the policy nor a trust root gives them`)
  );
}
