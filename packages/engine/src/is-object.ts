import type { JsonObject } from "@assay/policy";

/** Narrows what was parsed from JSON, or came from a program without types, to an object: no list, no null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
