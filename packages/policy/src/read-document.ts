import { goYaml } from "@assay/conditions";
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

/** Where a node stands: how deep, and whether inside `{…}` or `[…]`. */
interface Place {
  readonly depth: number;
  readonly inFlow: boolean;
}

/** Turns one composed YAML document into positioned nodes. Stops at the first limit that is passed. */
export function readDocument(
  document: Document.Parsed,
  limits: ReadLimits,
): { root?: SourceNode; diagnostics: readonly Diagnostic[] } {
  const reading: Reading = { ...limits, diagnostics: [], anchors: new Map(), nodes: 0 };
  try {
    const root =
      document.contents === null
        ? undefined
        : readNode(document.contents, { depth: 0, inFlow: false }, reading);
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

function readNode(node: Node | null, place: Place, reading: Reading): SourceNode {
  const at = node?.range?.[0] ?? 0;
  if (place.depth > reading.maxDepth) {
    report(reading, "tooDeep", `the document is nested deeper than ${reading.maxDepth} levels`, at);
    throw new Stop();
  }
  const read = readContents(node, at, place, reading);
  if (node !== null && !isAlias(node) && node.anchor !== undefined) reading.anchors.set(node.anchor, read);
  return read;
}

function readContents(node: Node | null, at: number, place: Place, reading: Reading): SourceNode {
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
  if (isScalar(node)) return scalar(scalarValue(node, place, reading), { at, end }, reading);
  checkCollectionTag(node, at, reading);
  count(1, at, reading);
  const before = reading.nodes;
  const inside = { depth: place.depth + 1, inFlow: place.inFlow || isFlow(node) };
  if (isSeq(node)) {
    const items = node.items.map((item) => readNode(item as Node | null, inside, reading));
    return { kind: "list", text, at, end, items, size: 1 + reading.nodes - before };
  }
  const entries = isMap(node) ? readEntries(node, inside, reading) : new Map<string, MapEntry>();
  return { kind: "map", text, at, end, entries, size: 1 + reading.nodes - before };
}

/** Kubernetes ignores the tags of maps and lists; `!!omap` and its like make something else of them here. */
function checkCollectionTag(node: Node, at: number, reading: Reading): void {
  const tag = (node as YAMLMap).tag;
  if (tag === undefined || tag === "!") return;
  const own = `tag:yaml.org,2002:${isSeq(node) ? "seq" : "map"}`;
  if (tag !== own) report(reading, "yamlSyntax", unsupported(tag), at);
}

function unsupported(tag: string): string {
  return `not valid YAML here: tag \`${tag}\` is not supported`;
}

function isFlow(node: Node): boolean {
  return (isSeq(node) || isMap(node)) && node.flow === true;
}

function scalar(
  value: null | boolean | number | string,
  { at, end }: { at: number; end: number },
  reading: Reading,
): SourceNode {
  count(1, at, reading);
  return { kind: "scalar", text: reading.text, at, end, value, size: 1 };
}

function readEntries(map: YAMLMap, place: Place, reading: Reading): ReadonlyMap<string, MapEntry> {
  const entries = new Map<string, MapEntry>();
  const merged = new Set<string>();
  for (const pair of map.items as readonly Pair<Node, Node | null>[]) {
    const keyAt = pair.key?.range?.[0] ?? map.range?.[0] ?? 0;
    const key = keyText(pair.key, { ...place, at: keyAt }, reading);
    const node = readNode(pair.value, place, reading);
    if (key === mergeKey) {
      for (const [name, entry] of mergedEntries(node, reading)) {
        if (entries.has(name)) report(reading, "duplicateKey", overridden(name), keyAt);
        entries.set(name, entry);
        merged.add(name);
      }
    } else if (key === undefined) continue;
    else if (entries.has(key) && !merged.delete(key))
      report(reading, "duplicateKey", `duplicate key \`${key}\``, keyAt);
    else entries.set(key, { keyAt, node });
  }
  return entries;
}

/** go-yaml reads in order; YAML says that a map's own keys win wherever they stand. */
function overridden(name: string): string {
  return `\`<<\` brings \`${name}\`, which is there already, and Kubernetes would take what comes last: write \`<<\` first`;
}

const mergeKey = Symbol("<<");

/** JSON has only text as keys. A whole number counts as its text, as in kubectl; anything else was not meant. */
function keyText(
  key: Node | null,
  { at, ...place }: Place & { readonly at: number },
  reading: Reading,
): string | typeof mergeKey | undefined {
  if (isScalar(key)) {
    if (key.type === "PLAIN" && key.value === "<<") {
      if (key.tag === undefined) return mergeKey;
      report(reading, "badKey", "`<<` with a tag is read otherwise by Kubernetes: leave the tag out", at);
    }
    const value = scalarValue(key, place, reading);
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

/** What `<<` brings: the keys of a map, or of a list of maps of which the first ones win. */
function mergedEntries(node: SourceNode, reading: Reading): ReadonlyMap<string, MapEntry> {
  if (node.kind === "map") return node.entries;
  const entries = new Map<string, MapEntry>();
  for (const item of node.kind === "list" ? node.items : []) {
    for (const [key, entry] of mergedEntries(item, reading)) if (!entries.has(key)) entries.set(key, entry);
  }
  if (node.kind === "scalar")
    report(reading, "yamlSyntax", "not valid YAML: `<<` merges a map or a list of maps", node.at);
  return entries;
}

function scalarValue(node: Scalar, { inFlow }: Place, reading: Reading): null | boolean | number | string {
  const value = typeof node.value === "string" ? node.value : "";
  const at = node.range?.[0] ?? 0;
  const ambiguity = goYaml.ambiguousScalar(node, reading.text.content, inFlow);
  if (ambiguity !== undefined) report(reading, "yamlSyntax", ambiguity.message, ambiguity.at);
  if (node.tag !== undefined && node.tag !== "!" && node.tag !== "tag:yaml.org,2002:str") {
    const known = /^tag:yaml\.org,2002:(?:null|bool|int|float)$/.test(node.tag);
    if (known) return plainScalar(value);
    report(reading, "yamlSyntax", unsupported(node.tag), at);
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
