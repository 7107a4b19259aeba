import { styleText } from "node:util";
import type { Diagnostic, SourcePosition } from "@assay/policy";
import { type LintFinding, lintCatalog } from "@assay/policy/lint";
import { plainText } from "./plain-text.ts";

/** A finding, or a reason why a policy is refused at load. */
export interface LintLine {
  readonly id: string;
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  readonly source: SourcePosition;
  readonly path: string;
  readonly why?: string;
  readonly fix?: string;
}

/**
 * Findings and diagnostics as lines of one report, in the order of files and lines. A warning of the loader about what a
 * finding explains better is left out, and so is what an alias in the policy would say twice.
 */
export function lintLines(
  findings: readonly LintFinding[],
  diagnostics: readonly Diagnostic[],
): readonly LintLine[] {
  const explained = new Set(findings.map(({ source }) => placeOf(source)));
  const lines: LintLine[] = [
    ...findings.map(({ id, severity, message, source, path, why, fix }) => ({
      ...{ id, severity, message, source, path, why, fix },
    })),
    ...diagnostics
      .filter(({ severity, source }) => severity === "error" || !explained.has(placeOf(source)))
      .map(({ code, severity, message, source, path, suggestion }) => ({
        ...{ id: code, severity, source, path },
        message: suggestion === undefined ? message : `${message}; did you mean \`${suggestion}\`?`,
      })),
  ];
  const unique = new Map(lines.map((line) => [`${placeOf(line.source)} ${line.id} ${line.message}`, line]));
  return [...unique.values()].sort(
    (a, b) =>
      compare(a.source.file, b.source.file) ||
      a.source.line - b.source.line ||
      a.source.column - b.source.column,
  );
}

function placeOf({ file, line, column }: SourcePosition): string {
  return `${file}:${line}:${column}`;
}

/** For people: `file:line:column: severity id: message`, why, and what to do. */
export function lintText(lines: readonly LintLine[], color: boolean): string {
  const styles = { error: "red", warning: "yellow", info: "cyan" } as const;
  const paint = (severity: LintLine["severity"]): string =>
    color ? styleText(styles[severity], severity, { validateStream: false }) : severity;
  const blocks = lines.map(({ source, severity, id, message, why, fix }) =>
    [
      `${plainText(placeOf(source))}: ${paint(severity)} ${id}: ${plainText(message)}`,
      ...(why === undefined ? [] : [`    ${plainText(why)}`]),
      ...(fix === undefined ? [] : [`    fix: ${plainText(fix)}`]),
    ].join("\n"),
  );
  return blocks.length === 0 ? "" : `${blocks.join("\n")}\n`;
}

const LEVELS = { error: "error", warning: "warning", info: "note" } as const;

/** SARIF 2.1.0, for code scanning. */
export function lintSarif(lines: readonly LintLine[], version: string): string {
  const rules = [...new Set(lines.map(({ id }) => id))].sort().map((id) => ruleOf(id));
  const results = lines.map(({ id, severity, message, source }) => ({
    ruleId: id,
    level: LEVELS[severity],
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(source.file) },
          region: { startLine: source.line, startColumn: source.column },
        },
      },
    ],
  }));
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "assay lint", version, rules } }, results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleOf(id: string): object {
  const known = Object.entries(lintCatalog).find(([name]) => name === id)?.[1];
  if (known === undefined) return { id };
  return {
    id,
    shortDescription: { text: known.title },
    fullDescription: { text: known.why },
    help: { text: known.fix },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
