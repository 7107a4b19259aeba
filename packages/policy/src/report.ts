import { type Diagnostic, type DiagnosticCode, oneLine } from "./diagnostic.ts";
import type { Place } from "./model.ts";
import { positionAt, type SourceNode } from "./yaml/source-node.ts";

/** A node and where it stands in its document. */
export interface Spot {
  readonly node: SourceNode;
  readonly path: string;
}

/** Collects what is found while a document is read. */
export interface Report {
  readonly diagnostics: Diagnostic[];
  readonly error: (code: DiagnosticCode, spot: Spot, message: string, suggestion?: string) => void;
  readonly warning: (code: DiagnosticCode, spot: Spot, message: string, suggestion?: string) => void;
}

/** An empty report. */
export function createReport(): Report {
  const diagnostics: Diagnostic[] = [];
  const add =
    (severity: Diagnostic["severity"]): Report["error"] =>
    (code, { node, path }, message, suggestion) => {
      const source = positionAt(node.text, node.at);
      diagnostics.push({
        severity,
        code,
        message: oneLine(message),
        source,
        path,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    };
  return { diagnostics, error: add("error"), warning: add("warning") };
}

/** Path and file position of a spot, as the model's nodes carry them. */
export function placeOf({ node, path }: Spot): Place {
  return { path, source: Object.freeze(positionAt(node.text, node.at)) };
}
