import type { Candidate } from "@assay/verify";
import { LRUCache } from "lru-cache";

/** What the layers of a manifest hold, and how many bytes they are. */
export interface KeptCandidates {
  readonly candidates: readonly Candidate[];
  readonly bytes: number;
}

/**
 * Candidates by the digest of the manifest that lists them. They follow from it alone, and whoever asks again gets the very
 * same objects: what an engine found out about one (it goes by the object) need not be found out again.
 */
export interface CandidateMemory {
  get(key: string): KeptCandidates | undefined;
  set(key: string, kept: KeptCandidates): void;
}

const maxBytes = 4 * 1024 * 1024;
/** Large ones are judged in a thread of its own, which has copies. */
const maxEntryBytes = 1024 * 1024;

/** Keeps the most recently used ones, up to 4 MiB in all. */
export function candidateMemory(): CandidateMemory {
  const kept = new LRUCache<string, KeptCandidates>({
    maxSize: maxBytes,
    maxEntrySize: maxEntryBytes,
    sizeCalculation: ({ candidates, bytes }) => bytes + 1000 * (candidates.length + 1),
  });
  return { get: (key) => kept.get(key), set: (key, value) => void kept.set(key, value) };
}
