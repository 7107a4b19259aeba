import {
  type Diagnostic,
  type DiagnosticCode,
  type Json,
  type JsonObject,
  PolicyError,
  parseDocuments,
} from "@assay/policy";
import { isJsonObject } from "../json-object.ts";

/** One document of a file, and where its fields stand. */
export interface SourceDocument {
  readonly file: string;
  readonly value: Json;
  /** Of the field, or the nearest one above it. */
  readonly positionOf: (path: string) => Diagnostic["source"];
}

/** The documents of a file. Throws `PolicyError` where it is not YAML. */
export function documentsOf(file: string, text: string): readonly SourceDocument[] {
  const { documents, diagnostics, positionOf } = parseDocuments({ file, text });
  if (diagnostics.some((one) => one.severity === "error")) throw new PolicyError(diagnostics);
  return documents.map((value) => ({
    file,
    value,
    positionOf: (path) => positionOf(value, path) ?? { file, line: 1, column: 1 },
  }));
}

/**
 * Reads fields of a document. What is not as it should be is noted with its place, and something harmless is returned in
 * its stead, so that all of it is told at once. INVARIANT: what was read is used only after `throwNoted`.
 */
export interface DocumentReader {
  note(code: DiagnosticCode, path: string, message: string): void;
  readonly positionOf: SourceDocument["positionOf"];
  object(value: Json | undefined, path: string): JsonObject;
  /** A list that is absent or null is empty. */
  list(value: Json | undefined, path: string): readonly Json[];
  objects(value: Json | undefined, path: string): readonly JsonObject[];
  text(value: Json | undefined, path: string): string;
  texts(value: Json | undefined, path: string): readonly string[];
  optionalText(value: Json | undefined, path: string): string | undefined;
  /** Throws `PolicyError` with everything that was noted. */
  throwNoted(): void;
}

/** A reader of one document that has noted nothing yet. */
export function documentReader({ positionOf }: Pick<SourceDocument, "positionOf">): DocumentReader {
  const noted: Diagnostic[] = [];
  const note: DocumentReader["note"] = (code, path, message) => {
    noted.push({ severity: "error", code, message, source: positionOf(path), path });
  };
  const wanted = (what: string, path: string, value: Json | undefined): void =>
    value === undefined
      ? note("missingField", path, `\`${path}\` is missing`)
      : note("wrongType", path, `\`${path}\` must be ${what}`);
  const object: DocumentReader["object"] = (value, path) => {
    if (isJsonObject(value)) return value;
    wanted("an object", path, value);
    return {};
  };
  const list: DocumentReader["list"] = (value, path) => {
    if (value === undefined || value === null) return [];
    if (isList(value)) return value;
    wanted("a list", path, value);
    return [];
  };
  const text: DocumentReader["text"] = (value, path) => {
    if (typeof value === "string") return value;
    wanted("a string", path, value);
    return "";
  };
  return {
    note,
    positionOf,
    object,
    list,
    text,
    objects: (value, path) => list(value, path).map((item, i) => object(item, `${path}[${i}]`)),
    texts: (value, path) => list(value, path).map((item, i) => text(item, `${path}[${i}]`)),
    optionalText: (value, path) => (value === undefined ? undefined : text(value, path)),
    throwNoted() {
      if (noted.length > 0) throw new PolicyError(noted);
    },
  };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
