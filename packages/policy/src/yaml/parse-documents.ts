import { goYaml } from "@assay/conditions";
import { Composer, type Document, Lexer, Parser } from "yaml";
import type { Diagnostic, DiagnosticCode } from "../diagnostic.ts";
import { readDocument } from "./read-document.ts";
import { positionAt, type SourceNode, type SourceText, sourceText } from "./source-node.ts";

/** A file's text and the name that positions carry. */
export interface SourceFile {
  readonly text: string;
  /** Default `policy.yaml`. */
  readonly file?: string;
}

export interface DocumentLimits {
  /** Longest text of one file, in UTF-16 units. Default 8 Mi. */
  readonly maxLength?: number;
  /** Deepest nesting. Default 64. */
  readonly maxDepth?: number;
  /** Most nodes of one document, aliases expanded. Default 200,000. */
  readonly maxNodes?: number;
}

export interface ParsedDocument {
  /** Path of the document inside its list (`items[3]`), or empty. */
  readonly path: string;
  readonly root: SourceNode;
}

export interface ParsedDocuments {
  readonly documents: readonly ParsedDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads YAML or JSON text of several documents, with positions. Kubernetes `List`s are unfolded, empty documents left
 * out. Never throws on foreign text: what cannot be read is an error among the diagnostics, and then nothing of that
 * file is among the documents.
 */
export function readDocuments(source: SourceFile, limits: DocumentLimits = {}): ParsedDocuments {
  const text = sourceText(source.file ?? "policy.yaml", source.text);
  const maxLength = limits.maxLength ?? 8 * 1024 * 1024;
  if (source.text.length > maxLength) {
    const message = `the file has ${source.text.length} characters, at most ${maxLength} are read`;
    return { documents: [], diagnostics: [finding(text, "tooLarge", message, 0)] };
  }
  const ambiguity = goYaml.ambiguousBreak(source.text);
  if (ambiguity !== undefined) {
    return { documents: [], diagnostics: [finding(text, "yamlSyntax", ambiguity.message, ambiguity.at)] };
  }
  const maxDepth = limits.maxDepth ?? 64;
  const diagnostics: Diagnostic[] = [];
  const documents: ParsedDocument[] = [];
  let isFirst = true;
  // One document after the other: what the parser builds for one is many times its text.
  for (const document of compose(source.text, text, maxDepth)) {
    if (!("contents" in document)) {
      diagnostics.push(document);
      break;
    }
    const problem = document.errors[0];
    if (problem !== undefined) {
      diagnostics.push(finding(text, "yamlSyntax", yamlMessage(problem.message), problem.pos[0]));
      continue;
    }
    if (!isFirst && document.directives?.docStart !== true) {
      const message = "a document without `---` before it: Kubernetes would pass it over";
      diagnostics.push(finding(text, "yamlSyntax", message, document.range[0]));
    }
    isFirst = false;
    const read = readDocument(document, { text, maxDepth, maxNodes: limits.maxNodes ?? 200_000 });
    diagnostics.push(...read.diagnostics);
    if (read.root !== undefined) documents.push(...unfold(read.root, ""));
  }
  const failed = diagnostics.some((one) => one.severity === "error");
  return { documents: failed ? [] : documents, diagnostics };
}

/** Lexes and nests step by step, so that hostile nesting is seen before anything recurses over it. */
function* compose(
  source: string,
  text: SourceText,
  maxDepth: number,
): Generator<Document.Parsed | Diagnostic> {
  const lexer = new Lexer();
  const parser = new Parser();
  const composer = new Composer({
    schema: "failsafe",
    uniqueKeys: false,
    logLevel: "silent",
    keepSourceTokens: false,
  });
  // A level of the tree takes up to two entries of the parser's stack; what is deeper is refused exactly by the reader.
  const maxStack = 2 * maxDepth + 8;
  for (const lexeme of lexer.lex(source)) {
    for (const token of parser.next(lexeme)) yield* parsed(composer.next(token));
    if (parser.stack.length > maxStack) {
      yield finding(text, "tooDeep", `the document is nested deeper than ${maxDepth} levels`, parser.offset);
      return;
    }
  }
  for (const token of parser.end()) yield* parsed(composer.next(token));
  yield* parsed(composer.end(true, source.length));
}

function* parsed(documents: Iterable<unknown>): Generator<Document.Parsed> {
  for (const document of documents) yield document as Document.Parsed;
}

function unfold(root: SourceNode, path: string): readonly ParsedDocument[] {
  if (root.kind === "scalar" && root.value === null) return [];
  const items = root.kind === "map" ? root.entries.get("items")?.node : undefined;
  const kind = root.kind === "map" ? root.entries.get("kind")?.node : undefined;
  const isList = kind?.kind === "scalar" && typeof kind.value === "string" && kind.value.endsWith("List");
  if (!isList || items?.kind !== "list") return [{ path, root }];
  return items.items.flatMap((item, index) =>
    unfold(item, `${path === "" ? "" : `${path}.`}items[${index}]`),
  );
}

function finding(text: SourceText, code: DiagnosticCode, message: string, offset: number): Diagnostic {
  return { severity: "error", code, message, source: positionAt(text, offset), path: "" };
}

/** The library's sentence in our style: lower case at the start, no full stop, one line. */
function yamlMessage(message: string): string {
  const [line = ""] = message.split("\n");
  return `not valid YAML: ${line.charAt(0).toLowerCase()}${line.slice(1).replace(/\.$/, "")}`;
}
