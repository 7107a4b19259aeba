import type { Trace } from "@assay/policy";
import type { PreparedSets } from "@assay/verify";
import { LRUCache } from "lru-cache";

/** That a digest's signatures satisfied prepared attestors: what once verified stays verified. */
interface SignatureFact {
  readonly trace: Trace;
  /** The trust root that it rests on, where it rests on one. */
  readonly trustRoot?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The evaluation that found it: a mere mark, so that a fact keeps nothing else alive. */
  readonly bornIn: symbol;
}

/** Positive signature facts of one engine, bounded in bytes and age. They never leave the process. */
export interface FactMemory {
  get(key: string): SignatureFact | undefined;
  set(key: string, fact: SignatureFact): void;
  /** The same number for the same prepared attestors. */
  idOf(sets: PreparedSets): number;
  readonly ttlMilliseconds: number;
}

/** The facts as one evaluation sees them. */
export interface Facts {
  readonly memory: FactMemory;
  readonly evaluation: symbol;
  /** Called for a fact of an earlier evaluation. */
  recalled(): void;
}

/** An empty memory of at most `maxBytes` of traces. */
export function factMemory(maxBytes: number, ttlMilliseconds: number): FactMemory {
  const facts = new LRUCache<string, SignatureFact>({ maxSize: maxBytes });
  const ids = new WeakMap<PreparedSets, number>();
  let next = 0;
  return {
    ttlMilliseconds,
    get: (key) => facts.get(key),
    set: (key, fact) => {
      // Two bytes a character of the trace, and as much again for the objects around it.
      facts.set(key, fact, { size: 4 * (JSON.stringify(fact.trace).length + key.length) });
    },
    idOf(sets) {
      const id = ids.get(sets) ?? next++;
      ids.set(sets, id);
      return id;
    },
  };
}
