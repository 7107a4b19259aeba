import type { EvaluationRecord, Verdict } from "@assay/engine";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { statusOf } from "../terminal/decision.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags {
  readonly output: "text" | "json";
}

/** A record and the file it stands in. */
export interface RecordFile {
  readonly file: string;
  readonly record: EvaluationRecord;
}

/** `assay replay RECORD…`: the same verdict again, without network. */
export function addReplayCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("replay")
    .description("judge records of `assay record` again, from what they hold only")
    .argument("<record...>", "record files, directories or globs");
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (paths: readonly string[], flags: Flags) => {
    const { replay } = await import("../replay.ts");
    const verdicts: Verdict[] = [];
    for (const { file, record } of await readRecords(paths, terminal)) {
      const verdict = await replay(record);
      verdicts.push(verdict);
      finish(statusOf(verdict));
      if (JSON.stringify(verdict) !== JSON.stringify(record.verdict)) {
        terminal.err(
          `assay: \`${file}\` holds another verdict: it was changed, or made by another version\n`,
        );
        finish(exitCode.undecided);
      }
    }
    await print(verdicts, flags, terminal);
  });
}

/** Records are read with a limit of their own: the evidence of an image may be large. */
export async function readRecords(
  paths: readonly string[],
  terminal: Terminal,
): Promise<readonly RecordFile[]> {
  const { decodeRecord } = await import("@assay/engine");
  const { readInputFiles } = await import("../inputs/input-files.ts");
  const files = await readInputFiles(paths, terminal, { maxBytes: 512 * 1024 * 1024 });
  return files.map(({ file, text }) => {
    try {
      return { file, record: decodeRecord(text) };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AssayError("invalidDocument", `\`${file}\` is no record: ${reason}`, {
        hint: "records are written by assay record",
        cause,
      });
    }
  });
}

async function print(verdicts: readonly Verdict[], flags: Flags, terminal: Terminal): Promise<void> {
  const { summary, verdictText } = await import("../terminal/verdict-text.ts");
  if (flags.output === "json") {
    terminal.out(`${JSON.stringify({ verdicts }, null, 2)}\n`);
    return;
  }
  for (const verdict of verdicts) terminal.out(verdictText(verdict, terminal, "full"));
  terminal.out(`${summary(verdicts)}\n`);
}

const EXAMPLES = `
Exit status: as apply; 2 also where the verdict is not the recorded one.

Examples:
  assay replay web.record.json
  assay replay records/ --output json`;
