import type { Digest } from "@assay/image";
import type { Descriptor } from "../oci/manifest.ts";
import { type DigestMemory, digestMemory } from "./digest-memory.ts";

type Memory<T> = Pick<DigestMemory<T>, "get"> & { set(key: readonly unknown[], value: T): void };

/** What hung on images a moment ago. */
export interface ListingMemory {
  readonly tags: Memory<Digest | "absent">;
  readonly referrers: Memory<readonly Descriptor[]>;
}

const absenceMs = 5000;
const maxBytes = 8 * 1024 * 1024;

/** Remembers listings for so long, absences for five seconds at most; with 0, nothing. Bounded in bytes. */
export function listingMemory(milliseconds: number): ListingMemory {
  const ttlOf = (isAbsent: boolean): number => (isAbsent ? Math.min(milliseconds, absenceMs) : milliseconds);
  return {
    tags: memory<Digest | "absent">(milliseconds, {
      size: () => 0,
      ttl: (value) => ttlOf(value === "absent"),
    }),
    referrers: memory<readonly Descriptor[]>(milliseconds, {
      size: (value) => 2 * JSON.stringify(value).length,
      ttl: (value) => ttlOf(value.length === 0),
    }),
  };
}

function memory<T extends object | string>(
  milliseconds: number,
  of: { readonly size: (value: T) => number; readonly ttl: (value: T) => number },
): Memory<T> {
  if (milliseconds <= 0) return { get: () => undefined, set: () => undefined };
  const kept = digestMemory<T>({ maxBytes, sizeOf: of.size });
  return { get: kept.get, set: (key, value) => kept.set(key, value, of.ttl(value)) };
}
