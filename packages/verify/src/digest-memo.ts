import { hash as hashBytes } from "node:crypto";

/** Digests of the same bytes, each computed once: statements may be megabytes. */
export type DigestOf = (algorithm: string) => Buffer;

/** Remembers what it computed. */
export function digestOf(bytes: Buffer): DigestOf {
  const known = new Map<string, Buffer>();
  return (algorithm) => {
    const found = known.get(algorithm) ?? hashBytes(algorithm, bytes, "buffer");
    known.set(algorithm, found);
    return found;
  };
}
