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
import type { Diagnostic, DiagnosticCode } from "../diagnostic.ts";
import { plainScalar } from "./plain-scalar.ts";
import { type MapEntry, positionAt, type SourceNode, type SourceText } from "./source-node.ts";

interface ReadLimits {
  readonly text: SourceText;
  readonly maxDepth: number;
  readonly maxNodes: number;
}

interface Reading extends ReadLimits {
  readonly diagnostics: Diagnostic[];
  readonly anchors: Map<string, Anchored>;
  nodes: number;
}

/** What an anchor stands for; nothing yet while that is being read. */
interface Anchored {
  node?: SourceNode;
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
  const anchored = node === null || isAlias(node) ? {} : openAnchor(node, at, reading);
  anchored.node = readContents(node, at, place, reading);
  return anchored.node;
}

/** From here on the aliases mean this node, whatever the anchor stood for before; so inside the node too. */
function openAnchor({ anchor }: { anchor?: string }, at: number, reading: Reading): Anchored {
  const anchored: Anchored = {};
  if (anchor === undefined) return anchored;
  reading.anchors.set(anchor, anchored);
  if (goYaml.isAnchorName(anchor)) return anchored;
  const message = `not valid YAML here: anchor \`${anchor}\` has other characters than letters, digits, \`_\` and \`-\``;
  report(reading, "yamlSyntax", message, at);
  return anchored;
}

function readContents(node: Node | null, at: number, place: Place, reading: Reading): SourceNode {
  const { text } = reading;
  const end = node?.range?.[1] ?? at;
  if (node === null) return scalar(null, { at, end }, reading);
  if (isAlias(node)) {
    const anchored = reading.anchors.get(node.source);
    const target = anchored?.node;
    if (target !== undefined) {
      count(target.size, at, reading);
      return target;
    }
    const why = anchored === undefined ? "has no anchor before it" : "stands inside its own anchor";
    report(reading, "yamlSyntax", `not valid YAML: alias \`${node.source}\` ${why}`, at);
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
  if (!isScalar(key)) {
    report(reading, "badKey", "a key must be text, not a list, map or alias", at);
    return undefined;
  }
  const value = scalarValue(key, place, reading);
  const end = key.range?.[1] ?? at;
  openAnchor(key, at, reading).node = { kind: "scalar", text: reading.text, at, end, value, size: 1 };
  if (key.type === "PLAIN" && key.value === "<<") {
    if (key.tag === undefined) return mergeKey;
    report(reading, "badKey", "`<<` with a tag is read otherwise by Kubernetes: leave the tag out", at);
  }
  if (typeof value === "string") return value;
  if (Number.isSafeInteger(value)) return String(value);
  const kind = value === null ? "null" : typeof value;
  report(reading, "badKey", `key \`${String(key.value)}\` is read as ${kind}: quote it`, at);
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
  if (node.tag === undefined ? node.type !== "PLAIN" : isTextTag(node.tag)) return value;
  const misfit = node.tag === undefined ? undefined : tagProblem(value, node.tag);
  if (misfit !== undefined) {
    report(reading, "yamlSyntax", misfit, at);
    return value;
  }
  const plain = plainScalar(value);
  if (typeof plain === "number" && Number.isInteger(plain) && !Number.isSafeInteger(plain)) {
    const message = `number \`${value}\` cannot be kept exactly: write it as text, in quotes`;
    report(reading, "lossyNumber", message, at);
  }
  return plain;
}

function isTextTag(tag: string): boolean {
  return tag === "!" || tag === "tag:yaml.org,2002:str";
}

/** Kubernetes refuses `!!null text`, or takes it for nothing: the text must be what the tag says, by itself. */
function tagProblem(text: string, tag: string): string | undefined {
  const value = goYaml.resolvePlain(text);
  const kinds = new Map([
    ["null", value === null],
    ["bool", typeof value === "boolean"],
    ["int", typeof value === "bigint"],
    ["float", typeof value === "bigint" || typeof value === "number"],
  ]);
  const fits = kinds.get(tag.replace(/^tag:yaml\.org,2002:/, ""));
  if (fits === undefined) return unsupported(tag);
  return fits ? undefined : `not valid YAML: the text is not what its tag \`${tag}\` says`;
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
