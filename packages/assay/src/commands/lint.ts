import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Diagnostic } from "@assay/policy";
import { type Command, Option } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import { type InputFile, readInputFiles } from "../inputs/input-files.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import type { LintLine } from "../terminal/lint-report.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { VERSION } from "../version.ts";

interface Flags {
  readonly fix?: boolean;
  readonly failOn: "error" | "warning" | "info" | "never";
  readonly output: "text" | "json" | "sarif";
}

const RANK = { error: 3, warning: 2, info: 1, never: 4 } as const;

/** `assay lint POLICY…`: what is wrong or risky in policies? */
export function addLintCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("lint")
    .description("find what is wrong, risky, or different from Kyverno in policies")
    .argument("<policy...>", "policy files, directories, globs, or -")
    .option("--fix", "mend what can be mended mechanically, in place")
    .addOption(
      new Option("--fail-on <severity>", "least severity that makes the exit status 1")
        .choices(["error", "warning", "info", "never"])
        .default("error"),
    );
  addOutputFlag(command, ["text", "json", "sarif"]);
  command.addHelpText("after", EXAMPLES).action(async (patterns: readonly string[], flags: Flags) => {
    if (flags.fix === true) await fixAll(patterns, terminal);
    const lines = await lint(await readInputFiles(patterns, terminal));
    await print(lines, flags, terminal);
    if (lines.some(({ severity }) => RANK[severity] >= RANK[flags.failOn])) finish(exitCode.denied);
  });
}

async function lint(files: readonly InputFile[]): Promise<readonly LintLine[]> {
  const { lintPolicies } = await import("@assay/policy/lint");
  const { lintLines } = await import("../terminal/lint-report.ts");
  const { findings, diagnostics } = lintPolicies(files);
  return lintLines(findings, [...diagnostics, ...(await engineProblems(files, diagnostics))]);
}

/** Keys, regular expressions and conditions are looked into when an engine is made: lint says what it would say. */
async function engineProblems(
  files: readonly InputFile[],
  diagnostics: readonly Diagnostic[],
): Promise<readonly Diagnostic[]> {
  if (diagnostics.some(({ severity }) => severity === "error")) return [];
  const { assemble, diagnosticsOf, noPolicyIn } = await import("../create-assay.ts");
  const { loadPolicies } = await import("@assay/policy");
  const loaded = loadPolicies(files);
  if (loaded.policies.length + loaded.exceptions.length === 0) throw noPolicyIn(files, loaded);
  try {
    assemble(loaded, {});
    return [];
  } catch (error) {
    const found = diagnosticsOf(error);
    if (found === undefined) throw error;
    return found;
  }
}

/** Mends file by file until nothing mechanical is left: one edit may uncover another. */
async function fixAll(patterns: readonly string[], terminal: Terminal): Promise<void> {
  const { applyFixes, lintPolicies } = await import("@assay/policy/lint");
  let fixed = 0;
  for (let round = 0; round < 5; round++) {
    const files = await readInputFiles(patterns, terminal);
    const edits = lintPolicies(files).findings.flatMap((finding) => finding.edits ?? []);
    if (edits.length === 0) break;
    if (files.some(({ file }) => file === "-")) {
      throw new AssayError("usage", "--fix cannot mend standard input", { hint: "name the file" });
    }
    for (const { file, text } of files) {
      const own = edits.filter((edit) => edit.file === file);
      if (own.length > 0) await writeFile(resolve(terminal.cwd, file), applyFixes(text, own));
    }
    fixed += edits.length;
  }
  if (fixed > 0) terminal.err(`mended ${fixed} findings\n`);
}

async function print(lines: readonly LintLine[], { output }: Flags, terminal: Terminal): Promise<void> {
  const { lintSarif, lintText } = await import("../terminal/lint-report.ts");
  switch (output) {
    case "json":
      terminal.out(`${JSON.stringify({ findings: lines }, null, 2)}\n`);
      return;
    case "sarif":
      terminal.out(lintSarif(lines, VERSION));
      return;
    case "text": {
      const count = (severity: string): number => lines.filter((line) => line.severity === severity).length;
      terminal.out(lintText(lines, terminal.color));
      terminal.out(`${count("error")} errors, ${count("warning")} warnings, ${count("info")} notes\n`);
    }
  }
}

const EXAMPLES = `
Policies and exceptions that belong together should be linted together.
Exit status: 0 nothing of --fail-on or worse, 1 something, 2 wrong usage or no policy.

Examples:
  assay lint policies/
  assay lint policies/ --fix
  assay lint 'policies/**/*.yaml' --fail-on warning --output sarif > lint.sarif`;
