import { type PreparedSets, parseTrustRoot, type TrustRoot } from "@assay/verify";
import { LRUCache } from "lru-cache";

/**
 * What an engine keeps between evaluations. All of it follows from its key alone, so that no verdict depends on what
 * was evaluated before: parsed trust roots and prepared attestors, each of which remembers (bounded) which signatures
 * and certificates it has verified. Conditions and tags are never remembered.
 */
export interface EngineMemory {
  readonly prepared: {
    get(key: string): PreparedSets | undefined;
    set(key: string, sets: PreparedSets): void;
  };
  /** Throws what `parseTrustRoot` throws. */
  trustRoot(json: string): TrustRoot;
}

/** An empty memory of bounded size. */
export function engineMemory(maxAttestors: number): EngineMemory {
  const prepared = new LRUCache<string, PreparedSets>({ max: maxAttestors });
  const roots = new LRUCache<string, TrustRoot>({ max: 8 });
  return {
    prepared: {
      get: (key) => prepared.get(key),
      set: (key, sets) => {
        prepared.set(key, sets);
      },
    },
    trustRoot(json) {
      const known = roots.get(json);
      if (known !== undefined) return known;
      const root = parseTrustRoot(json);
      roots.set(json, root);
      return root;
    },
  };
}
