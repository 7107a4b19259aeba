import { ImageReferenceError, shown } from "./image-reference-error.ts";

declare const digestBrand: unique symbol;
/** `sha256:` and 64 lower-case hex digits (or sha384, sha512 with theirs): checked by `parseDigest`. */
export type Digest = string & { readonly [digestBrand]: true };

const hexLengths: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
]);

/**
 * Checks that `text` is a digest of a known algorithm in canonical form (lower case, full length), as
 * opencontainers/go-digest does. Throws `ImageReferenceError`.
 */
export function parseDigest(text: string): Digest {
  const problem = digestProblem(text);
  if (problem !== undefined) throw new ImageReferenceError(problem.code, text, problem);
  return text as Digest;
}

/** Whether foreign text is a digest of a known algorithm in canonical form. */
export function isDigest(text: string): text is Digest {
  return digestProblem(text) === undefined;
}

interface DigestProblem {
  readonly code: "badDigest" | "unsupportedDigest";
  readonly message: string;
  readonly offset: number;
}

/** What keeps `text` from being a digest; undefined: nothing does. */
export function digestProblem(text: string): DigestProblem | undefined {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  const bad = (message: string, offset: number): DigestProblem => ({ code: "badDigest", message, offset });
  if (colon < 1) return bad(`digest X has no algorithm: write \`sha256:\` and 64 hex digits`, 0);
  const length = hexLengths.get(algorithm);
  if (length === undefined) {
    const message = `digest algorithm \`${shown(algorithm)}\` is not supported: use sha256, sha384 or sha512`;
    return { code: "unsupportedDigest", message, offset: 0 };
  }
  const stray = hex.search(/[^0-9a-f]/);
  if (stray >= 0 && /[A-F]/.test(hex.charAt(stray))) {
    return bad(`digest X has an upper-case hex digit`, colon + 1 + stray);
  }
  if (stray >= 0) {
    return bad(`digest X has \`${hex.charAt(stray)}\`, which is no hex digit`, colon + 1 + stray);
  }
  if (hex.length === length) return undefined;
  return bad(`digest X has ${hex.length} hex digits, ${algorithm} has ${length}`, colon + 1);
}
