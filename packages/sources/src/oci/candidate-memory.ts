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
    sizeCalculation: ({ candidates, bytes }) =>
      candidates.reduce((sum, candidate) => sum + 1000 + annotationBytes(candidate), bytes + 1000),
  });
  return { get: (key) => kept.get(key), set: (key, value) => void kept.set(key, value) };
}

/** Two bytes a character. Whoever pushes a manifest may put megabytes into them, beside a payload of a few bytes. */
function annotationBytes(candidate: Candidate): number {
  if (candidate.kind !== "legacy") return 0;
  const pairs = Object.entries(candidate.annotations);
  return pairs.reduce((sum, [name, value]) => sum + 2 * (name.length + value.length), 0);
}
