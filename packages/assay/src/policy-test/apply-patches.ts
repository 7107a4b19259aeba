import type { JsonPatch } from "@assay/engine";
import type { Json, JsonObject } from "@assay/policy";

/** The object with the verdict's patches applied: they only add or replace fields that hold images. */
export function applyPatches(object: JsonObject, patches: readonly JsonPatch[]): JsonObject {
  const copy: JsonObject = structuredClone(object);
  for (const { path, value } of patches) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop();
    const parent = keys.reduce<Json | undefined>((at, key) => child(at, key), copy);
    if (last === undefined || typeof parent !== "object" || parent === null) continue;
    Object.defineProperty(parent, last, { value, enumerable: true, writable: true, configurable: true });
  }
  return copy;
}

function child(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
