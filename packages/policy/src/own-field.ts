import type { Json, JsonObject } from "./model.ts";

// Readers for foreign objects (resources): own properties only, and what has another type counts as absent.

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function own(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

export function ownText(value: Json | undefined, ...path: readonly string[]): string {
  const found = own(value, ...path);
  return typeof found === "string" ? found : "";
}

/** Labels and annotations: pairs of text, anything else left out. */
export function ownPairs(
  value: Json | undefined,
  ...path: readonly string[]
): readonly (readonly [string, string])[] {
  const found = own(value, ...path);
  if (!isObject(found)) return [];
  return Object.entries(found).flatMap(([key, text]) =>
    typeof text === "string" ? [[key, text] as const] : [],
  );
}
