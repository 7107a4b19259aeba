import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import type { SignerFacts } from "../kernel.ts";
import type { LoggedFacts } from "../log/transparency-log.ts";
import { Refusal, refuse } from "../refusal.ts";
import { checkTimestamp } from "../time/timestamp-authority.ts";
import { isPinned, type PreparedSigner } from "./prepared.ts";
import { fromTrust, type ProofInput } from "./proof-input.ts";

/** A time that somebody trusted vouches for. */
export type VerifiedTime = SignerFacts["verifiedTimes"][number] & { readonly date: Date };

/** Times that a log or a timestamp authority vouches for. Timestamps that do not verify are as good as absent. */
export function verifiedTimes(
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
  if (times.length === 0 && reason !== undefined && !isPinned(signer)) refuse("noTrustedTime", reason);
  return times;
}

/**
 * Whose timestamps count: those of the policy's authority; else the trust root's, where it is needed anyway or nothing
 * else tells the time of a certificate. So the answer does not depend on whether a trust root happens to be loaded.
 */
function timestampMaterial(
  demand: PreparedSigner,
  hasTime: boolean,
  input: ProofInput,
): Pick<Parameters<typeof checkTimestamp>[1], "authorities" | "cache"> | undefined {
  const { signer, log, timestampAuthority, cache } = demand;
  if (timestampAuthority !== undefined) return { authorities: [timestampAuthority], cache };
  const fromRoot = signer.kind === "keyless" && signer.pool === "trust";
  if (isPinned(demand) ? log !== "trust" : hasTime && !fromRoot) return undefined;
  const trust = fromTrust(input, "timestamp authorities");
  return { authorities: trust.timestampAuthorities, cache: trust.cache };
}
