import type { Digest } from "@assay/image";
import { LRUCache } from "lru-cache";

/** What tags pointed to a moment ago. */
export interface TagMemory {
  get(key: string): Digest | "absent" | undefined;
  set(key: string, value: Digest | "absent"): void;
}

const absenceMs = 5000;

/** Remembers tags for so long, absences for five seconds at most; with 0, nothing. Ten thousand tags at a time. */
export function tagMemory(milliseconds: number): TagMemory {
  if (milliseconds <= 0) return { get: () => undefined, set: () => undefined };
  const tags = new LRUCache<string, Digest | "absent">({ max: 10_000 });
  return {
    get: (key) => tags.get(key),
    set: (key, value) => {
      tags.set(key, value, { ttl: value === "absent" ? Math.min(milliseconds, absenceMs) : milliseconds });
    },
  };
}
