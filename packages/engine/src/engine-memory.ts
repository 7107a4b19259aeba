import {
  type KernelMemory,
  kernelMemory,
  type PreparedSets,
  parseTrustRoot,
  prepareAttestors,
  type ResolvedSet,
  type TrustRoot,
} from "@assay/verify";
import { LRUCache } from "lru-cache";
import { type FactMemory, factMemory } from "./judge/fact-memory.ts";

/**
 * What an engine keeps between evaluations. All of it follows from its key alone, so that no verdict depends on what
 * was evaluated before: parsed trust roots, prepared attestors, what all of them have read and (bounded) proven, and which
 * digests' signatures satisfied which attestors. Conditions and tags are never remembered.
 */
export interface EngineMemory {
  /** For every attestor of the engine. */
  readonly kernel: KernelMemory;
  /** Throws what `prepareAttestors` throws. INVARIANT: equal attestors give the same object, so that facts are found again. */
  prepare(sets: readonly ResolvedSet[]): PreparedSets;
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
  const kernel = kernelMemory();
  const roots = new LRUCache<string, TrustRoot>({ max: 8 });
  return {
    facts: factMemory(maxFactBytes, factTtlMilliseconds),
    kernel,
    prepare(sets) {
      const key = JSON.stringify(sets);
      const known = prepared.get(key);
      if (known !== undefined) return known;
      const fresh = prepareAttestors(sets, kernel);
      prepared.set(key, fresh);
      return fresh;
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
