import type { ResultChange, VerdictDiff } from "@assay/engine";
import type { Command } from "commander";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { decisionOf, resourceName } from "../terminal/decision.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { readRecords } from "./replay.ts";

interface Flags {
  readonly output: "text" | "json";
}

/** `assay diff POLICY_A POLICY_B RECORD…`: which recorded decisions would another policy turn? */
export function addDiffCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("diff")
    .description("say which recorded decisions flip from one policy to another, and why")
    .argument("<policy-a>", "policies as they are: file, directory or glob")
    .argument("<policy-b>", "policies as they may become")
    .argument("<record...>", "records of `assay record`: files, directories or globs");
  addOutputFlag(command, ["text", "json"]);
  command
    .addHelpText("after", EXAMPLES)
    .action(async (before: string, after: string, paths: readonly string[], flags: Flags) => {
      const diffs = await diffAll([before, after], paths, terminal);
      if (flags.output === "json") terminal.out(`${JSON.stringify({ diffs }, null, 2)}\n`);
      else terminal.out(describe(diffs));
      if (diffs.some(({ flips }) => flips)) finish(exitCode.denied);
    });
}

async function diffAll(
  [before, after]: readonly [string, string],
  paths: readonly string[],
  terminal: Terminal,
): Promise<readonly VerdictDiff[]> {
  const { diffVerdicts } = await import("@assay/engine");
  const { readInputFiles } = await import("../inputs/input-files.ts");
  const { replay } = await import("../replay.ts");
  const old = await readInputFiles([before], terminal);
  const fresh = await readInputFiles([after], terminal);
  const diffs: VerdictDiff[] = [];
  for (const { record } of await readRecords(paths, terminal)) {
    diffs.push(diffVerdicts(await replay(record, old), await replay(record, fresh)));
  }
  return diffs;
}

function describe(diffs: readonly VerdictDiff[]): string {
  const lines = diffs.flatMap(({ resource, before, after, flips, changes }) => {
    const [was, is] = [decisionOf(before), decisionOf(after)];
    const head = `${resourceName(resource)}: ${was === is ? `still ${is}` : `${was} → ${is}`}`;
    return changes.length === 0 && !flips ? [] : [head, ...changes.flatMap(describeChange)];
  });
  const flipped = diffs.filter(({ flips }) => flips).length;
  return `${plainText([...lines, `${diffs.length} decisions, ${flipped} would flip`].join("\n"))}\n`;
}

function describeChange({ policy, rule, image, before, after }: ResultChange): readonly string[] {
  const subject = `  ${policy}/${rule}${image === undefined ? "" : ` ${image}`}`;
  if (before === undefined) return [`${subject}: new: ${after?.outcome} (${after?.message})`];
  if (after === undefined) return [`${subject}: gone, was ${before.outcome}`];
  return [
    `${subject}: ${before.outcome} → ${after.outcome}`,
    `    before: ${before.message}`,
    `    after:  ${after.message}`,
  ];
}

const EXAMPLES = `
What a policy asks that was not asked when a record was made cannot be decided from it: record again with both.
Exit status: 0 no decision flips, 1 some flip, 2 wrong usage.

Examples:
  assay diff policy.yaml new-policy.yaml records/
  assay diff policies/ policies-next/ 'records/*.json' --output json`;
