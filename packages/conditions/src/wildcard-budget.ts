import { type Budget, spend } from "./limits.ts";

/** A match with stars takes the product of both lengths at worst. */
export function spendWildcard(budget: Budget, pattern: string, text: string): void {
  spend(budget, 1 + (pattern.includes("*") ? (pattern.length * text.length) >> 6 : 0));
}
