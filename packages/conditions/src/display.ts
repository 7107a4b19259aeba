import { isList, type Json, setOwn, type Value } from "./json.ts";

const MAX_TEXT = 2_048;
const MAX_ELEMENTS = 20;
const MAX_NODES = 100;

/** A copy that is small enough for a trace: long texts, lists and maps are cut, and say so. */
export function display(value: Value): Json {
  return copy(value, { left: MAX_NODES });
}

function copy(value: Value, nodes: { left: number }): Json {
  nodes.left--;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return cut(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object" || value === null) return value;
  return isList(value) ? copyList(value, nodes) : copyObject(value, nodes);
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
}

function copyList(list: readonly Value[], nodes: { left: number }): Json {
  const items: Json[] = [];
  for (const item of list) {
    if (items.length === MAX_ELEMENTS || nodes.left <= 0) return [...items, `… (${list.length} elements)`];
    items.push(copy(item, nodes));
  }
  return items;
}

function copyObject(value: object, nodes: { left: number }): Json {
  const entries = Object.entries(value) as [string, Value][];
  const object: Record<string, Json> = {};
  for (const [at, [key, item]] of entries.entries()) {
    if (at === MAX_ELEMENTS || nodes.left <= 0) {
      setOwn(object, "…", `${entries.length} keys`);
      return object;
    }
    setOwn(object, cut(key), copy(item, nodes));
  }
  return object;
}
