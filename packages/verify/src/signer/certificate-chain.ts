import { type FactCache, remember } from "../fact-cache.ts";
import { refuse } from "../refusal.ts";
import type { Certificate } from "./certificate.ts";

/** A set of certificate authorities. Anchors are trusted by decree; intermediates only as far as an anchor vouches. */
export interface CertificatePool {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  /** When the pool as a whole may vouch (trusted_root.json `validFor`). */
  readonly validFor: { readonly start: Date; readonly end: Date };
}

/** Usages that a chain may be asked for. */
export const usage = {
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  any: "2.5.29.37.0",
} as const;

const maxIntermediates = 10;
/** Signature checks per chain: cross-signed loops and look-alike issuers cost no more than this. */
const maxChecks = 64;

export interface ChainQuestion {
  readonly pools: readonly CertificatePool[];
  /** Intermediates that came with the evidence: they help to find a path and are trusted for nothing. */
  readonly untrusted: readonly Certificate[];
  readonly usage: string;
  readonly cache: FactCache;
}

/**
 * Every path from a leaf to an anchor, leaf and anchor included, without looking at the clock. Each step is checked:
 * names, signature, CA flag, keyCertSign, path length, extended key usage. Empty: nobody vouches for the leaf.
 */
export function certificatePaths(leaf: Certificate, question: ChainQuestion): readonly CertificatePath[] {
  const budget = { checks: maxChecks };
  return question.pools.flatMap((pool) => {
    const bag = [...pool.intermediates, ...question.untrusted].slice(
      0,
      maxIntermediates + pool.intermediates.length,
    );
    const search: Search = { pool, bag, question, budget };
    return pathsAbove([leaf], search).map((certificates) => ({ certificates, validFor: pool.validFor }));
  });
}

export interface CertificatePath {
  readonly certificates: readonly Certificate[];
  readonly validFor: CertificatePool["validFor"];
}

/** True where every certificate of the path, and the pool it ends in, is valid at that time (bounds included). */
export function isValidAt({ certificates, validFor }: CertificatePath, time: Date): boolean {
  // guard: authority-window
  if (time < validFor.start || time > validFor.end) return false;
  return certificates.every(({ notBefore, notAfter }) => notBefore <= time && time <= notAfter);
}

interface Search {
  readonly pool: CertificatePool;
  readonly bag: readonly Certificate[];
  readonly question: ChainQuestion;
  readonly budget: { checks: number };
}

function pathsAbove(path: readonly Certificate[], search: Search): readonly (readonly Certificate[])[] {
  const top = path.at(-1);
  if (top === undefined) return [];
  if (search.pool.anchors.some((anchor) => anchor.der.equals(top.der))) return [path];
  if (path.length > maxIntermediates + 1) return [];
  const issuers = [...search.pool.anchors, ...search.bag].filter(
    (issuer) => !path.includes(issuer) && mayIssue(issuer, path, search),
  );
  return distinct(issuers).flatMap((issuer) => pathsAbove([...path, issuer], search));
}

function distinct(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter((one, i) => certificates.findIndex((other) => other.der.equals(one.der)) === i);
}

function mayIssue(issuer: Certificate, path: readonly Certificate[], search: Search): boolean {
  const subject = path.at(-1);
  if (subject === undefined || !subject.issuer.equals(issuer.subject)) return false;
  // guard: chain-ca
  if (!issuer.isCa) return false;
  // guard: chain-key-usage
  if (issuer.keyUsage?.keyCertSign === false) return false;
  // guard: chain-path-length
  if (issuer.pathLength !== undefined && path.length - 1 > issuer.pathLength) return false;
  // guard: chain-extended-usage
  if (!allowsUsage(issuer, search.question.usage)) return false;
  return isIssuedBy(subject, issuer, search);
}

/** Go's rule: extended key usages of authorities narrow those below (crypto/x509 checkChainForKeyUsage). */
export function allowsUsage({ extendedKeyUsage }: Certificate, wanted: string): boolean {
  return (
    extendedKeyUsage === undefined ||
    extendedKeyUsage.includes(wanted) ||
    extendedKeyUsage.includes(usage.any)
  );
}

function isIssuedBy(
  subject: Certificate,
  issuer: Certificate,
  { question: { cache }, budget }: Search,
): boolean {
  // guard: chain-budget
  if (budget.checks-- <= 0) refuse("tooMany", "certificate chain takes too many signature checks");
  const fact = `issued ${subject.fingerprint} ${issuer.fingerprint}`;
  return remember(cache, fact, () => subject.isSignedWith(issuer.key.keyObject));
}
