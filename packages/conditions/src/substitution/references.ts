import { ConditionError } from "../condition-error.ts";
import { cleanPath } from "../go/go-path.ts";
import { isObject, type Value } from "../json.ts";
import { type Budget, checkDepth, spend, spendOutput } from "../limits.ts";
import { mapLeaves } from "./traverse.ts";

// References between parts of one document: `$(./../other)`, `$(/spec/a)`, `$(<=./../n)`.

const reference = /^\$\(.[^ ]*\)|[^\\]\$\(.[^ ]*\)/g;
const escaped = /\\\$\(.[^ )]*\)/g;

/** Replaces every reference in the leaves and keys of a document by the text that it leads to. Throws `badReference`. */
export function resolveReferences(document: Value, budget: Budget): Value {
  if (!hasReference(document, budget, 0)) return document;
  let index: Map<string, Value> | undefined;
  return mapLeaves(document, budget, (text, path) => {
    if (typeof text !== "string" || !text.includes("$(")) return text;
    index ??= indexLeaves(document, budget);
    return replaceIn(text, path, index, budget);
  });
}

function hasReference(value: Value, budget: Budget, depth: number): boolean {
  checkDepth(budget.limits, depth);
  if (typeof value === "string") return value.includes("$(");
  if (Array.isArray(value)) return value.some((item) => hasReference(item, budget, depth + 1));
  if (!isObject(value)) return false;
  return Object.entries(value).some(
    ([key, item]) => key.includes("$(") || hasReference(item, budget, depth + 1),
  );
}

function replaceIn(text: string, path: string, index: ReadonlyMap<string, Value>, budget: Budget): string {
  // Each opening that nothing closes is searched to the end of the text.
  spend(budget, Math.ceil((text.split("$(").length * text.length) / 64));
  let result = text;
  for (const found of text.match(reference) ?? []) {
    const prefix = found.startsWith("$(") ? "" : found.charAt(0);
    const resolved = resolve(found.slice(prefix.length), path, index);
    spendOutput(budget, result.length + resolved.length);
    result = result.replace(found, () => prefix + resolved);
  }
  // As in Kyverno: an escape that stands twice is resolved twice, wherever it stands.
  for (const match of result.match(escaped) ?? []) {
    spendOutput(budget, result.length);
    result = result.replaceAll(match, () => match.slice(1));
  }
  return result;
}

function resolve(written: string, path: string, index: ReadonlyMap<string, Value>): string {
  const inner = written.replace(/^[$()]+/, "").replace(/[$()]+$/, "");
  const operator = /^(?:>=|<=|>|<|!)/.exec(inner.length < 2 ? "" : inner)?.[0] ?? "";
  const target = inner.slice(operator.length);
  if (target === "") throw unresolved(`the reference \`${written.slice(0, 80)}\` is empty`, path);
  const value = index.get(
    target.startsWith("/") ? target : cleanPath(path === "" ? target : `${path}/${target}`),
  );
  if (value === undefined || (value === null && operator === "")) {
    throw unresolved(`the reference \`${written.slice(0, 80)}\` leads nowhere`, path);
  }
  if (typeof value === "string") return operator + value;
  if (operator !== "" && typeof value === "number") return operator + value.toFixed(6);
  if (operator !== "" && typeof value === "bigint") return operator + String(value);
  throw unresolved(`the reference \`${written.slice(0, 80)}\` does not lead to text`, path);
}

function unresolved(message: string, path: string): ConditionError {
  return new ConditionError(message, { code: "badReference", path });
}

/** Every leaf and key under its path without anchors; the last one of a path wins, and a key stands at its parent's path. */
function indexLeaves(document: Value, budget: Budget): Map<string, Value> {
  const index = new Map<string, Value>();
  mapLeaves(document, budget, (value, path) => {
    spend(budget, 1);
    index.set(withoutAnchors(path), value);
    return value;
  });
  return index;
}

function withoutAnchors(path: string): string {
  const parts = path.split("/");
  if (parts[0] === "") parts.shift();
  const bare = parts.map((part) => /^[+<=X^]?\((.+)\)$/.exec(part.trim())?.[1] ?? part);
  const joined = cleanPath(bare.filter((part) => part !== "").join("/"));
  return path.startsWith("/") ? `/${joined}` : joined;
}
