import { hasWildcard, wildcardMatch } from "@assay/image";
import { nearestOf } from "./functions/function-table.ts";
import type { Json } from "./json.ts";

const MAX_LENGTH = 2_048;

/**
 * Why two values that should agree do not, for people: how far they agree, or which element of a list comes closest.
 * `undefined` when there is nothing helpful to say.
 */
export function nearestPart(key: Json, value: Json): string | undefined {
  if (typeof key !== "string" || key.length > MAX_LENGTH) return undefined;
  if (typeof value === "string") return value.length > MAX_LENGTH ? undefined : agreement(key, value);
  if (!Array.isArray(value)) return undefined;
  const nearest = nearestOf(
    key,
    value.filter((item) => typeof item === "string"),
  );
  return nearest === undefined ? undefined : `the nearest element is \`${nearest}\``;
}

/** The pattern is what the policy says. */
function agreement(key: string, pattern: string): string | undefined {
  const length = hasWildcard(pattern) ? patternAgreement(key, pattern) : plainAgreement(key, pattern);
  if (length === 0 || (length === pattern.length && length === key.length)) return undefined;
  const rest = pattern.slice(length);
  if (hasWildcard(pattern)) {
    return rest === "" ? undefined : `it matches up to \`${pattern.slice(0, length)}\`, but not \`${rest}\``;
  }
  const found = key.slice(length);
  const common = `both start with \`${key.slice(0, length)}\``;
  if (rest === "") return `${common}, then the key goes on with \`${found}\``;
  if (found === "") return `${common}, then the value goes on with \`${rest}\``;
  return `${common}, then the key has \`${found}\` and the value \`${rest}\``;
}

function plainAgreement(key: string, pattern: string): number {
  let length = 0;
  while (length < key.length && length < pattern.length && key[length] === pattern[length]) length++;
  return length;
}

/** The longest start of the pattern that the key can be matched with: any longer one cannot be, so bisect. */
function patternAgreement(key: string, pattern: string): number {
  let low = 0;
  let high = pattern.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (wildcardMatch(`${pattern.slice(0, middle)}*`, key)) low = middle;
    else high = middle - 1;
  }
  return low;
}
