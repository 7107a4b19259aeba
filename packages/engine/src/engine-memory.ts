import { type PreparedSets, parseTrustRoot, type TrustRoot } from "@assay/verify";
import { LRUCache } from "lru-cache";
import { type FactMemory, factMemory } from "./signature-facts.ts";

/**
 * What an engine keeps between evaluations. All of it follows from its key alone, so that no verdict depends on what
 * was evaluated before: parsed trust roots, prepared attestors (each of which remembers, bounded, which signatures and
 * certificates it has verified), and which digests' signatures satisfied which attestors. Conditions and tags are never
 * remembered.
 */
export interface EngineMemory {
  readonly prepared: {
    get(key: string): PreparedSets | undefined;
    set(key: string, sets: PreparedSets): void;
  };
  readonly facts: FactMemory;
  /** Throws what `parseTrustRoot` throws. */
  trustRoot(json: string): TrustRoot;
}

/** How much is kept, and for how long. */
export interface MemoryLimits {
  readonly maxPrepared: number;
  readonly maxFactBytes: number;
  readonly factTtlMilliseconds: number;
}

/** An empty memory of bounded size. */
export function engineMemory({ maxPrepared, maxFactBytes, factTtlMilliseconds }: MemoryLimits): EngineMemory {
  const prepared = new LRUCache<string, PreparedSets>({ max: maxPrepared });
  const roots = new LRUCache<string, TrustRoot>({ max: 8 });
  return {
    facts: factMemory(maxFactBytes, factTtlMilliseconds),
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
