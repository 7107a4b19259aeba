/** Draws that are the same in every run. */
export interface Random {
  /** 0 to `limit` - 1. */
  below(limit: number): number;
  /** True in so large a share of all cases. */
  chance(share: number): boolean;
  one<T>(list: readonly T[]): T;
  /** As many as one of the `lengths` says. */
  list<T>(lengths: readonly number[], make: (index: number) => T): readonly T[];
  /** For spreading into an object: what is made, in so large a share of all cases, else nothing. */
  maybe<T extends object>(share: number, make: () => T): T | Record<never, never>;
}

/** mulberry32 from a whole number. */
export function randomOf(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const chance = (share: number): boolean => next() < share;
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return {
    below,
    chance,
    one,
    list: (lengths, make) => Array.from({ length: one(lengths) }, (_, index) => make(index)),
    maybe: (share, make) => (chance(share) ? make() : {}),
  };
}
