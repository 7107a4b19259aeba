/**
 * Remembers what follows from bytes alone ("this certificate is signed by that key"), never what depends on a clock, a
 * policy or a trust root. Bounded: the oldest fact makes room. Each owner (trust root, demand of an attestor) has its own.
 */
export interface FactCache {
  readonly get: (key: string) => boolean | undefined;
  readonly set: (key: string, fact: boolean) => void;
}

/** A cache of at most `limit` facts. */
export function factCache(limit = 4096): FactCache {
  const facts = new Map<string, boolean>();
  return {
    get: (key) => facts.get(key),
    set: (key, fact) => {
      if (facts.size >= limit)
        for (const oldest of facts.keys()) {
          facts.delete(oldest);
          break;
        }
      facts.set(key, fact);
    },
  };
}

/** The fact, remembered or found out. */
export function remember(cache: FactCache, key: string, find: () => boolean): boolean {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const fact = find();
  cache.set(key, fact);
  return fact;
}
