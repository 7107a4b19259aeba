import { Buffer } from "node:buffer";
import {
  type Alias,
  type Document,
  type EmptyStream,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type Scalar,
} from "yaml";
import { ConditionError } from "../condition-error.ts";
import { parseFloat64 } from "../go/go-number.ts";
import { type Ambiguity, ambiguousBreak, ambiguousScalar, isAnchorName } from "../go/yaml-ambiguity.ts";
import { resolvePlain } from "../go/yaml-scalar.ts";
import { setOwn, type Value } from "../json.ts";
import { type Budget, checkDepth, spend, spendOutput } from "../limits.ts";

/** What one conversion carries along. */
interface Conversion {
  readonly budget: Budget;
  /** The nodes that were seen with an anchor, the last of each name. */
  readonly anchors: Map<string, Node>;
  /** What each alias means: an anchor may be given again after it, and its node is converted once for each alias. */
  readonly targets: Map<Alias, Node>;
  /** Anchored nodes in the order of the text, of which only the first conversion says what their anchor means. */
  readonly anchored: Set<Node>;
  /** Anchors that are being converted: one that holds itself never ends. */
  readonly open: Set<Node>;
  readonly text: string;
}

/** Where a node stands: how deep, and whether inside `{…}` or `[…]`. */
interface Place {
  readonly depth: number;
  readonly inFlow: boolean;
}

/**
 * YAML as Kyverno reads it (sigs.k8s.io/yaml on go-yaml v2, YAML 1.1): `yes` is true, `010` is 8, times stay text,
 * merge keys work, of duplicate keys the last wins, only the first document counts. Throws `badText`, also for text that
 * Kyverno takes otherwise than the parser here.
 */
export function parseGoYaml(text: string, budget: Budget): Value {
  // The parser is slow: a megabyte takes most of a second.
  spend(budget, text.length * 8);
  checkAmbiguity(ambiguousBreak(text));
  if (unprintable.test(text)) throw invalid("control characters are not allowed");
  if (/^\s*\.\.\.(?:\s|$)/.test(text)) throw invalid("did not find expected node content");
  if (tabFirst.test(text)) throw invalid("found character that cannot start any token");
  const document = firstDocument(text);
  if (document === undefined) return null;
  checkDirectives(document);
  const conversion = {
    budget,
    anchors: new Map(),
    targets: new Map(),
    anchored: new Set<Node>(),
    open: new Set<Node>(),
    text,
  };
  return convert(document.contents as Node | null, conversion, { depth: 0, inFlow: false });
}

function checkAmbiguity(ambiguity: Ambiguity | undefined): void {
  if (ambiguity !== undefined) throw invalid(ambiguity.message, "unsupported");
}

/** What no YAML may hold, outside of escapes. */
const unprintable = /[^\t\n\r\x20-\x7E\x85\xA0-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** A tab before anything else, but for comments: go-yaml takes it for the start of a token. */
const tabFirst = /^(?: *(?:#[^\n]*)?\n)* *\t/;

function firstDocument(text: string): Document | undefined {
  const documents = parseAllDocuments(text, {
    version: "1.1",
    schema: "failsafe",
    uniqueKeys: false,
    strict: true,
    logLevel: "silent",
    prettyErrors: false,
  });
  const [document] = documents;
  if (document === undefined) checkProblems(documents as EmptyStream);
  return document as Document | undefined;
}

/** The parser only warns of directives that nobody knows; go-yaml refuses them. */
function checkProblems({ errors, warnings }: Pick<EmptyStream, "errors" | "warnings">): void {
  const problem = errors[0] ?? warnings.find(({ code }) => code === "BAD_DIRECTIVE");
  if (problem !== undefined) throw invalid(problem.message.split("\n")[0] ?? "", "unsupported");
}

function checkDirectives(document: Document): void {
  checkProblems(document);
  const { explicit, version } = document.directives?.yaml ?? {};
  if (explicit && version !== "1.1") throw invalid("found incompatible yaml document");
}

/**
 * `unsupported`: what the parser here refuses, which go-yaml may read all the same, such as a quoted text that goes on
 * in the first column. It must not count as nothing on the left of a projection.
 */
function invalid(message: string, code: "badText" | "unsupported" = "badText"): ConditionError {
  return new ConditionError(`the YAML text is broken: ${message.toLowerCase()}`, { code });
}

function convert(node: Node | null, conversion: Conversion, place: Place): Value {
  checkDepth(conversion.budget.limits, place.depth);
  spend(conversion.budget, 4);
  if (node === null) return null;
  if (isAlias(node)) return convertAlias(node, conversion, place);
  openAnchor(node, conversion);
  if (isScalar(node)) return convertScalar(node as Scalar, conversion, place);
  if (conversion.open.has(node)) throw invalid("an anchor contains itself");
  conversion.open.add(node);
  try {
    return convertCollection(node, conversion, place);
  } finally {
    conversion.open.delete(node);
  }
}

function openAnchor(node: Node, { anchors, anchored }: Conversion): void {
  const { anchor } = node as { readonly anchor?: string };
  if (anchor === undefined || anchored.has(node)) return;
  if (!isAnchorName(anchor)) throw invalid("an anchor's name is alphanumeric");
  anchored.add(node);
  anchors.set(anchor, node);
}

function convertCollection(node: Node, conversion: Conversion, place: Place): Value {
  if (!isSeq(node) && !isMap(node)) throw invalid("unknown kind of node");
  const inside = { depth: place.depth + 1, inFlow: place.inFlow || node.flow === true };
  if (isMap(node)) return convertMap(node.items as readonly Pair[], conversion, inside);
  return node.items.map((item) => convert(item as Node | null, conversion, inside));
}

interface Pair {
  readonly key: Node | null;
  readonly value: Node | null;
}

function convertAlias(alias: Alias, conversion: Conversion, { depth }: Place): Value {
  const target = conversion.targets.get(alias) ?? conversion.anchors.get(alias.source);
  if (target === undefined) throw invalid(`unknown anchor \`${alias.source}\``);
  conversion.targets.set(alias, target);
  // What it says was checked where it stands.
  return convert(target, conversion, { depth: depth + 1, inFlow: false });
}

function convertMap(pairs: readonly Pair[], conversion: Conversion, place: Place): Value {
  const object: Record<string, Value> = {};
  for (const { key, value } of pairs) {
    const text = convert(key, conversion, place);
    const name = isMerge(key) ? undefined : keyText(text);
    const read = convert(value, conversion, place);
    if (name === undefined) mergeInto(object, read);
    else setOwn(object, name, read);
  }
  return object;
}

function isMerge(key: Node | null): boolean {
  return (
    isScalar(key) &&
    key.value === "<<" &&
    (key.tag === "tag:yaml.org,2002:merge" || (key.type === "PLAIN" && (key.tag ?? "!") === "!"))
  );
}

/** Maps, or a list of maps of which the first ones win. */
function mergeInto(object: Record<string, Value>, merged: Value): void {
  for (const source of Array.isArray(merged) ? [...merged].reverse() : [merged]) {
    if (typeof source !== "object" || source === null || Array.isArray(source)) {
      throw invalid("map merge requires map or sequence of maps as the value");
    }
    for (const [key, value] of Object.entries(source)) setOwn(object, key, value as Value);
  }
}

function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (typeof key === "boolean" || typeof key === "bigint") return String(key);
  if (typeof key === "number") return Number.isFinite(key) ? floatKey(key) : infinityKey(key);
  throw invalid("invalid map key");
}

/** `FormatFloat(key, 'g', -1, 32)`. */
function floatKey(key: number): string {
  const single = Math.fround(key);
  for (let precision = 1; precision <= 9; precision++) {
    const text = single.toExponential(precision - 1);
    if (Math.fround(Number(text)) !== single) continue;
    const [mantissa = "", power = "0"] = text.split("e");
    const exponent = Number(power);
    if (exponent >= -4 && exponent < 21) return String(Number(text));
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return String(single);
}

function infinityKey(key: number): string {
  return Number.isNaN(key) ? ".nan" : key > 0 ? ".inf" : "-.inf";
}

const tagPrefix = "tag:yaml.org,2002:";
/** Tags that say how to read a text; with any other tag, and with `!!str`, it stays text. */
const resolvable: ReadonlySet<string> = new Set(["bool", "int", "float", "null", "timestamp", "binary"]);

/**
 * At the end of a text without a last line break a block has none either. Refuses what go-yaml does not read: escapes
 * of surrogates, a block that is not indented, or with a tab, and other text beside the block's `|` or `>`.
 */
function scalarText(scalar: Scalar, { text }: Conversion): string {
  const value = String(scalar.value ?? "");
  const [start, end] = scalar.range ?? [0, 0];
  const raw = text.slice(start, end);
  if (scalar.type === "QUOTE_DOUBLE" && /(?<!\\)(?:\\\\)*\\(?:u|U0000)[dD][89a-fA-F]/.test(raw)) {
    throw invalid("found invalid unicode character escape code");
  }
  // The parser takes the escaped quote for the last one where the text ends with it.
  if (scalar.type === "QUOTE_DOUBLE" && !/^"(?:[^"\\]|\\.)*"$/s.test(raw)) {
    throw invalid("found unexpected end of stream");
  }
  if (scalar.type?.startsWith("BLOCK") && /^[^\n]*\n(?: *\r?\n)*[^ \r\n]/.test(raw)) {
    throw invalid("a block's text is indented", "unsupported");
  }
  if (scalar.type?.startsWith("BLOCK")) checkBlock(text, start, end);
  const last = end >= text.length && !text.endsWith("\n");
  return last && scalar.type?.startsWith("BLOCK") ? value.replace(/\n$/, "") : value;
}

/** The header's line is looked at in the text: the parser ends the block at `---` beside the header without a word. */
function checkBlock(text: string, start: number, end: number): void {
  const lineEnd = text.indexOf("\n", start);
  const header = text.slice(start, lineEnd < 0 ? text.length : lineEnd);
  if (!/^[|>][-+1-9]{0,2}(?:[ \t]+#.*|[ \t]*)\r?$/.test(header)) {
    throw invalid("did not find expected comment or line break");
  }
  const isIndentGiven = /^.[-+]?[1-9]/.test(header);
  if (!isIndentGiven && /^(?: *\r?\n)* *\t/.test(text.slice(start + header.length + 1, end))) {
    throw invalid("found a tab character where an indentation space is expected");
  }
}

function convertScalar(scalar: Scalar, conversion: Conversion, { inFlow }: Place): Value {
  checkAmbiguity(ambiguousScalar(scalar, conversion.text, inFlow));
  const text = scalarText(scalar, conversion);
  spendOutput(conversion.budget, text.length);
  const tag = scalar.tag?.startsWith(tagPrefix) ? scalar.tag.slice(tagPrefix.length) : (scalar.tag ?? "");
  if (tag === "" && scalar.type !== "PLAIN" && scalar.type !== undefined) return text;
  if (tag !== "" && !resolvable.has(tag)) return text;
  if (tag === "binary") return Buffer.from(text, "base64").toString("utf8");
  const value = toNumbers(resolvePlain(text));
  return tag === "" ? finite(value) : finite(tagged(tag, value, text));
}

/** JSON, by way of which Kyverno gets the value, makes every number a float64. */
function toNumbers(value: Value): Value {
  return typeof value === "bigint" ? Number(value) : value;
}

function finite(value: Value): Value {
  if (typeof value === "number" && !Number.isFinite(value))
    throw invalid("json has no text for infinity and nan");
  return value;
}

/** A tag that names another type than the text has is an error, but that integers are floats too. */
function tagged(tag: string, value: Value, text: string): Value {
  const kind = value === null ? "null" : typeof value === "boolean" ? "bool" : typeof value;
  const fits =
    (tag === "int" && kind === "number" && Number.isInteger(value)) ||
    (tag === "float" && kind === "number") ||
    tag === kind ||
    tag === "timestamp";
  if (!fits) throw invalid(`\`${text.slice(0, 40)}\` is no ${tag}`);
  return tag === "float" ? (parseFloat64(text) ?? value) : value;
}
