import { isList, type Json, setOwn, type Value } from "./json.ts";

const MAX_TEXT = 2_048;
const MAX_ELEMENTS = 20;
const MAX_DEPTH = 6;

/** A copy that is small enough for a trace: long texts, lists and maps are cut, and say so. */
export function display(value: Value, depth = 0): Json {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") {
    return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}… (${value.length} characters)` : value;
  }
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) {
    if (depth >= MAX_DEPTH) return `… (${value.length} elements)`;
    const items = value.slice(0, MAX_ELEMENTS).map((item) => display(item, depth + 1));
    return value.length > MAX_ELEMENTS ? [...items, `… (${value.length} elements)`] : items;
  }
  return displayObject(value, depth);
}

function displayObject(value: object, depth: number): Json {
  const entries = Object.entries(value) as [string, Value][];
  if (depth >= MAX_DEPTH) return `… (${entries.length} keys)`;
  const object: Record<string, Json> = {};
  for (const [key, item] of entries.slice(0, MAX_ELEMENTS)) setOwn(object, key, display(item, depth + 1));
  if (entries.length > MAX_ELEMENTS) setOwn(object, "…", `${entries.length} keys`);
  return object;
}
