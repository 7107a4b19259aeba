import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { CodeHelp, Verdict } from "@assay/engine";
import type { Code } from "@assay/policy";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import { readInputFiles } from "../inputs/input-files.ts";
import type { CommandContext } from "../terminal/command-line.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** `assay explain VERDICT…|CODE…`: a verdict as a tree, or what a code means. */
export function addExplainCommand(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command("explain")
    .description(
      "print a verdict (JSON of apply, verify, replay; or a record) as a tree, or what a code means",
    )
    .argument("<verdict-or-code...>", "files with verdicts, - for standard input, or codes such as notSigned")
    .addHelpText("after", EXAMPLES);
  addOutputFlag(command, ["text", "json"]);
  command.action(async (subjects: readonly string[], { output }: { readonly output: "text" | "json" }) => {
    const { codes } = await import("@assay/engine");
    const isCode = (text: string): text is Code => Object.hasOwn(codes, text);
    const known = subjects.filter(isCode);
    const paths = subjects.filter((subject) => !isCode(subject));
    for (const path of paths) await refuseMisspelt(path, Object.keys(codes), terminal);
    const verdicts = await verdictsOf(paths, terminal);
    if (output === "json") {
      const meanings = Object.fromEntries(known.map((code) => [code, codes[code]]));
      terminal.out(`${JSON.stringify({ codes: meanings, verdicts }, null, 2)}\n`);
      return;
    }
    const { verdictText } = await import("../terminal/verdict-text.ts");
    for (const code of known) terminal.out(codeText(code, codes[code]));
    for (const verdict of verdicts) terminal.out(verdictText(verdict, terminal, "full"));
  });
}

type Explain = (verdict: Verdict) => string;

/** What looks like a code and is no file is more likely a code that is spelt otherwise. */
async function refuseMisspelt(subject: string, codes: readonly string[], { cwd }: Terminal): Promise<void> {
  if (!/^[a-z]+$/i.test(subject) || existsSync(resolve(cwd, subject))) return;
  const wanted = subject.toLowerCase();
  const alike = codes.filter((code) => code.toLowerCase().includes(wanted));
  const hint =
    alike.length > 0 ? `did you mean ${alike.slice(0, 5).join(", ")}?` : `codes: ${codes.join(", ")}`;
  throw new AssayError("usage", `\`${subject}\` is neither a code nor a file`, { hint });
}

function codeText(code: Code, { outcome, meaning, nextStep }: CodeHelp): string {
  return `${code} (${outcome})\n  ${meaning}\n  ${nextStep}\n`;
}

async function verdictsOf(paths: readonly string[], terminal: Terminal): Promise<readonly Verdict[]> {
  const { explain } = await import("@assay/engine");
  const files = await readInputFiles(paths, terminal, { maxBytes: 512 * 1024 * 1024 });
  return files.flatMap(({ file, text }) => verdictsIn(text, file, explain));
}

/** The verdicts of a report, a record, or one verdict by itself. */
function verdictsIn(text: string, file: string, explain: Explain): readonly Verdict[] {
  const value = parse(text, file);
  if (typeof value === "object" && value !== null) {
    const found =
      "verdicts" in value && Array.isArray(value.verdicts)
        ? value.verdicts
        : "verdict" in value
          ? [value.verdict]
          : [value];
    return found.map((one: Verdict) => checked(one, file, explain));
  }
  throw noVerdict(file);
}

/** What `explain` cannot print is no verdict: it says which field is wrong. */
function checked(verdict: Verdict, file: string, explain: Explain): Verdict {
  try {
    explain(verdict);
    return verdict;
  } catch (cause) {
    throw noVerdict(file, cause);
  }
}

function noVerdict(file: string, cause?: unknown): AssayError {
  const why = cause instanceof Error ? `: ${cause.message.replace("this is no verdict: ", "")}` : "";
  return new AssayError("invalidDocument", `\`${file}\` holds no verdict${why}`, {
    hint: "explain takes what apply, verify and replay print with --output json, and files of record",
    cause,
  });
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AssayError("invalidDocument", `\`${file}\` is not JSON`, { cause });
  }
}

const EXAMPLES = `
Exit status: 0 printed, 2 no such code, or a file without a verdict.

Examples:
  assay apply policy.yaml --resource pod.yaml --output json | assay explain -
  assay explain web.record.json
  assay explain claimMismatch`;
