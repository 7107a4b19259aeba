import type { JsonObject } from "@assay/policy";
import { isJsonObject, own } from "../encoding/strict-json.ts";
import { refuse } from "../refusal.ts";

/** Every pair that the policy asks for must be among the signed ones of this very signature; values are texts. */
export function checkAnnotations(wanted: Readonly<Record<string, string>>, signed: JsonObject): void {
  for (const [key, value] of Object.entries(wanted)) {
    const received = own(signed, key);
    // guard: annotations
    if (received !== value) {
      refuse("annotationMismatch", `missing or incorrect annotation \`${key}\``, {
        expected: value,
        received: received ?? null,
      });
    }
  }
}

/** Signed annotations of the subjects that are the image. Two subjects that disagree count as neither. */
export function mergedAnnotations(subjects: readonly JsonObject[]): JsonObject {
  const merged = new Map<string, JsonObject[string]>();
  const disputed = new Set<string>();
  for (const subject of subjects) {
    const annotations = own(subject, "annotations");
    if (!isJsonObject(annotations)) continue;
    for (const [key, value] of Object.entries(annotations)) {
      if (merged.has(key) && merged.get(key) !== value) disputed.add(key);
      merged.set(key, value);
    }
  }
  return Object.fromEntries([...merged].filter(([key]) => !disputed.has(key)));
}
