import type { SourcePosition } from "./yaml/source-position.ts";

/** What is wrong with a document. Closed. */
export type DiagnosticCode =
  | "yamlSyntax"
  | "tooLarge"
  | "tooDeep"
  | "tooManyNodes"
  | "duplicateKey"
  | "badKey"
  | "lossyNumber"
  | "notAnObject"
  | "unknownKind"
  | "ignoredDocument"
  | "unknownField"
  | "wrongType"
  | "missingField"
  | "badValue"
  | "badExpression"
  | "conflict"
  | "unsupported"
  | "deprecated"
  | "ignoredField"
  | "skippedRule"
  | "duplicateName"
  | "noPolicies";

/** One finding about a document, at its place in the file. */
export interface Diagnostic {
  /** An `error` refuses the whole load; a `warning` does not. */
  readonly severity: "error" | "warning";
  readonly code: DiagnosticCode;
  /** Lower case, input in backticks; Kyverno's own words where it has some. */
  readonly message: string;
  readonly source: SourcePosition;
  /** Field path inside the document, e.g. `spec.rules[0].verifyImages[0].attestors`; empty for the document. */
  readonly path: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** `file:line:column: message`, as compilers write it. */
export function diagnosticText({ source, message, suggestion }: Diagnostic): string {
  const hint = suggestion === undefined ? "" : `; did you mean \`${suggestion}\`?`;
  return `${source.file}:${source.line}:${source.column}: ${message}${hint}`;
}

/** The text of a message on one line: part of it may be anybody's. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, (space) => (/[\r\n]/.test(space) ? " " : space));
}
