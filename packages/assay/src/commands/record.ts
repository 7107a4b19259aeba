import { mkdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { EvaluationRecord } from "@assay/engine";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import {
  addJudgingFlags,
  type JudgingFlags,
  judgingCommand,
  limitsOf,
  type ResourceFlags,
  resourcesOf,
} from "../flags/judging-command.ts";
import type { CommandContext } from "../terminal/command-line.ts";
import { decisionOf, statusOf } from "../terminal/decision.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags extends JudgingFlags, ResourceFlags {
  readonly out: string;
  readonly output: "text" | "json";
}

/** `assay record`: judge, and write down everything that the verdict follows from. */
export function addRecordCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = judgingCommand(
    program,
    "record",
    "judge resources and write policy, request, answers, trust root and clock into a file",
  );
  addJudgingFlags(
    command.requiredOption(
      "--out <path>",
      "file for the record; a directory where there are several resources",
    ),
  );
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (policies: readonly string[], flags: Flags) => {
    const { encodeRecord } = await import("@assay/engine");
    const { openAssay } = await import("../open-assay.ts");
    const { requestsFor } = await import("../inputs/resource-requests.ts");
    const assay = await openAssay(policies, flags, terminal);
    const resources = (await resourcesOf(flags, terminal)).map(({ object }) => object);
    const isDirectory = await isDirectoryAt(flags.out, terminal);
    if (resources.length > 1 && !isDirectory) {
      throw new AssayError(
        "usage",
        `--out \`${flags.out}\` is one file, and there are ${resources.length} resources`,
        {
          hint: "end it in / to write one record each into a directory",
        },
      );
    }
    const written: {
      readonly file: string;
      readonly resource: object;
      readonly allowed: boolean;
      readonly outcome: string;
    }[] = [];
    const names = new Set<string>();
    for (const request of requestsFor(resources, flags)) {
      const record = await assay.record(request, limitsOf(flags, terminal));
      const path = isDirectory ? join(flags.out, fileName(record, names)) : flags.out;
      // It may hold Secrets: nobody else on the machine reads it.
      await writeFile(resolve(terminal.cwd, path), encodeRecord(record), { mode: 0o600 });
      const { allowed, outcome, resource } = record.verdict;
      written.push({ file: path, resource, allowed, outcome });
      if (flags.output === "text") terminal.out(`${path}: ${decisionOf(record.verdict)}\n`);
      finish(statusOf(record.verdict));
    }
    if (flags.output === "json") terminal.out(`${JSON.stringify({ records: written }, null, 2)}\n`);
  });
}

async function isDirectoryAt(path: string, terminal: Terminal): Promise<boolean> {
  const full = resolve(terminal.cwd, path);
  if (path.endsWith("/")) await mkdir(full, { recursive: true });
  return stat(full).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

/** Names of objects are DNS names; what is not cannot leave the directory. One that `taken` holds gets a number. */
function fileName({ verdict }: EvaluationRecord, taken: Set<string>): string {
  const { kind, namespace, name } = verdict.resource;
  const base = [namespace ?? "", kind, name]
    .join("-")
    .replace(/[^A-Za-z0-9.-]/g, "_")
    .replace(/^[-.]+/, "");
  let free = base;
  for (let count = 2; taken.has(free); count++) free = `${base}_${count}`;
  taken.add(free);
  return `${free}.record.json`;
}

const EXAMPLES = `
A record holds the Secrets and ConfigMaps that the policy asked for: keep it as you keep those. Nobody else may read a new file.
Exit status: as apply.

Examples:
  assay record policies/ --resource pod.yaml --out web.record.json
  kubectl get pods -A -o yaml | assay record policies/ --resource - --out records/`;
