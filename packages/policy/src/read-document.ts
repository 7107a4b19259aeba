import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import { plainScalar } from "./plain-scalar.ts";
import { type MapEntry, positionAt, type SourceNode, type SourceText } from "./source-node.ts";

interface ReadLimits {
  readonly text: SourceText;
  readonly maxDepth: number;
  readonly maxNodes: number;
}

interface Reading extends ReadLimits {
  readonly diagnostics: Diagnostic[];
  readonly anchors: Map<string, SourceNode>;
  nodes: number;
}

/** Turns one composed YAML document into positioned nodes. Stops at the first limit that is passed. */
export function readDocument(
  document: Document.Parsed,
  limits: ReadLimits,
): { root?: SourceNode; diagnostics: readonly Diagnostic[] } {
  const reading: Reading = { ...limits, diagnostics: [], anchors: new Map(), nodes: 0 };
  try {
    const root = document.contents === null ? undefined : readNode(document.contents, 0, reading);
    return root === undefined
      ? { diagnostics: reading.diagnostics }
      : { root, diagnostics: reading.diagnostics };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { diagnostics: reading.diagnostics };
  }
}

/** Ends the reading of a document whose limit was passed; its reason is already among the diagnostics. */
class Stop extends Error {}

function readNode(node: Node | null, depth: number, reading: Reading): SourceNode {
  const at = node?.range?.[0] ?? 0;
  if (depth > reading.maxDepth) {
    report(reading, "tooDeep", `the document is nested deeper than ${reading.maxDepth} levels`, at);
    throw new Stop();
  }
  const read = readContents(node, at, depth, reading);
  if (node !== null && !isAlias(node) && node.anchor !== undefined) reading.anchors.set(node.anchor, read);
  return read;
}

function readContents(node: Node | null, at: number, depth: number, reading: Reading): SourceNode {
  const { text } = reading;
  const end = node?.range?.[1] ?? at;
  if (node === null) return scalar(null, { at, end }, reading);
  if (isAlias(node)) {
    const target = reading.anchors.get(node.source);
    if (target !== undefined) {
      count(target.size, at, reading);
      return target;
    }
    report(reading, "yamlSyntax", `not valid YAML: alias \`${node.source}\` has no anchor before it`, at);
    throw new Stop();
  }
  if (isScalar(node)) return scalar(scalarValue(node, at, reading), { at, end }, reading);
  count(1, at, reading);
  const before = reading.nodes;
  if (isSeq(node)) {
    const items = node.items.map((item) => readNode(item as Node | null, depth + 1, reading));
    return { kind: "list", text, at, end, items, size: 1 + reading.nodes - before };
  }
  const entries = isMap(node) ? readEntries(node, depth, reading) : new Map<string, MapEntry>();
  return { kind: "map", text, at, end, entries, size: 1 + reading.nodes - before };
}

function scalar(
  value: null | boolean | number | string,
  { at, end }: { at: number; end: number },
  reading: Reading,
): SourceNode {
  count(1, at, reading);
  return { kind: "scalar", text: reading.text, at, end, value, size: 1 };
}

function readEntries(map: YAMLMap, depth: number, reading: Reading): ReadonlyMap<string, MapEntry> {
  const entries = new Map<string, MapEntry>();
  const merged: SourceNode[] = [];
  for (const pair of map.items as readonly Pair<Node, Node | null>[]) {
    const keyAt = pair.key?.range?.[0] ?? map.range?.[0] ?? 0;
    const key = keyText(pair.key, keyAt, reading);
    const node = readNode(pair.value, depth + 1, reading);
    if (key === mergeKey) merged.push(node);
    else if (key === undefined) continue;
    else if (entries.has(key)) report(reading, "duplicateKey", `duplicate key \`${key}\``, keyAt);
    else entries.set(key, { keyAt, node });
  }
  for (const node of merged) mergeInto(entries, node, reading);
  return entries;
}

const mergeKey = Symbol("<<");

/** JSON has only text as keys. A whole number counts as its text, as in kubectl; anything else was not meant. */
function keyText(key: Node | null, at: number, reading: Reading): string | typeof mergeKey | undefined {
  if (isScalar(key)) {
    if (key.type === "PLAIN" && key.value === "<<") return mergeKey;
    const value = scalarValue(key, at, reading);
    if (typeof value === "string") return value;
    if (Number.isSafeInteger(value)) return String(value);
    report(
      reading,
      "badKey",
      `key \`${String(key.value)}\` is read as ${value === null ? "null" : typeof value}: quote it`,
      at,
    );
    return undefined;
  }
  report(reading, "badKey", "a key must be text, not a list, map or alias", at);
  return undefined;
}

/** `<<`: keys of the merged map (or maps) that the map itself does not have; earlier maps win. */
function mergeInto(entries: Map<string, MapEntry>, node: SourceNode, reading: Reading): void {
  if (node.kind === "list") {
    for (const item of node.items) mergeInto(entries, item, reading);
  } else if (node.kind === "map") {
    for (const [key, entry] of node.entries) if (!entries.has(key)) entries.set(key, entry);
  } else {
    report(reading, "yamlSyntax", "not valid YAML: `<<` merges a map or a list of maps", node.at);
  }
}

function scalarValue(node: Scalar, at: number, reading: Reading): null | boolean | number | string {
  const value = typeof node.value === "string" ? node.value : "";
  if (node.tag !== undefined && node.tag !== "!" && node.tag !== "tag:yaml.org,2002:str") {
    const known = /^tag:yaml\.org,2002:(?:null|bool|int|float)$/.test(node.tag);
    if (known) return plainScalar(value);
    report(reading, "yamlSyntax", `not valid YAML here: tag \`${node.tag}\` is not supported`, at);
    return value;
  }
  if (node.type !== "PLAIN" || node.tag !== undefined) return value;
  const plain = plainScalar(value);
  if (typeof plain === "number" && Number.isInteger(plain) && !Number.isSafeInteger(plain)) {
    const message = `number \`${value}\` cannot be kept exactly: write it as text, in quotes`;
    report(reading, "lossyNumber", message, at);
  }
  return plain;
}

function count(nodes: number, at: number, reading: Reading): void {
  reading.nodes += nodes;
  if (reading.nodes <= reading.maxNodes) return;
  report(
    reading,
    "tooManyNodes",
    `the document has more than ${reading.maxNodes} nodes, aliases expanded`,
    at,
  );
  throw new Stop();
}

function report(reading: Reading, code: DiagnosticCode, message: string, at: number): void {
  const source = positionAt(reading.text, at);
  reading.diagnostics.push({ severity: "error", code, message, source, path: "" });
}
