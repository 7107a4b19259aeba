import { wildcardMatch } from "@assay/image";
import { type Budget, spend } from "../limits.ts";

const wildcard = /[*?]/;

/**
 * Kyverno's wildcard match, within the budget: with stars it takes the product of both lengths at worst. What stands
 * before the first wildcard, which is most of an identity or a reference, is compared as a whole.
 */
export function matchWildcard(budget: Budget, pattern: string, text: string): boolean {
  spend(budget, 1);
  const at = pattern.search(wildcard);
  if (at < 0) return pattern === text;
  if (!text.startsWith(pattern.slice(0, at))) return false;
  const rest = pattern.slice(at);
  spend(budget, (rest.length * (text.length - at)) >> 6);
  return rest === "*" || wildcardMatch(rest, text.slice(at));
}
