import type { Attestor, AttestorSet } from "@assay/policy";
import { type CandidateReader, candidateReader } from "./evidence/evidence-candidates.ts";
import type { SignerDemand } from "./proof/prepared.ts";

/** An attestor that is no set of others. */
export type SignerAttestor = Exclude<Attestor, AttestorSet>;

/**
 * What attestors that are prepared with it share: every candidate is read once, whoever looks at it, and a signature is
 * proven once for all who demand the very same. It holds nothing that decides: what is remembered follows from the bytes
 * of the evidence, the words of the policy, and the light in which a proof was made.
 */
export interface KernelMemory {
  readonly reader: CandidateReader;
  /** What the attestor demands, as it was made for an equal one, or by `make`. What `make` throws is not remembered. */
  demandsOf(attestor: SignerAttestor, make: () => readonly SignerDemand[]): readonly SignerDemand[];
}

/** Equal attestors stand near each other: in one entry, one policy, one set of policies. */
const maxDemands = 1000;

/** An empty memory; the demand that was not asked for the longest makes room. */
export function kernelMemory(): KernelMemory {
  const known = new Map<string, readonly SignerDemand[]>();
  return {
    reader: candidateReader(),
    demandsOf(attestor, make) {
      const key = demandKey(attestor);
      const demands = known.get(key) ?? make();
      known.delete(key);
      const [oldest] = known.keys();
      if (oldest !== undefined && known.size >= maxDemands) known.delete(oldest);
      known.set(key, demands);
      return demands;
    },
  };
}

/**
 * Everything that the policy says of a signer, word for word. INVARIANT: what is left out has no part in a proof: where
 * the words stand, where the evidence is looked for, and the annotations, which are read only after the proof.
 */
function demandKey({ path, source, repository, annotations, ...demand }: SignerAttestor): string {
  return JSON.stringify(demand);
}
