import type { EvaluationOptions } from "@assay/engine";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import type { FileObject } from "../inputs/read-objects.ts";
import type { Terminal } from "../terminal/terminal.ts";
import {
  addContextFlags,
  addLogFlag,
  addSourceFlags,
  type ContextFlags,
  collect,
  type LogFlags,
  type SourceFlags,
} from "./evaluation-flags.ts";

/** What decides how policies judge: the same on every command that judges resources. */
export type JudgingFlags = SourceFlags & ContextFlags & LogFlags;

/** Which resources are judged. */
export interface ResourceFlags {
  readonly resource: readonly string[];
}

/** `assay NAME POLICY… --resource FILE…`. The command's own options come next, `addJudgingFlags` last. */
export function judgingCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument("<policy...>", "policy files, directories, globs, or - for standard input")
    .option("-r, --resource <file...>", "resource files, directories, globs, or -; repeatable", collect, []);
}

/** Adds the flags of `JudgingFlags`. */
export function addJudgingFlags(command: Command): Command {
  return addLogFlag(addSourceFlags(addContextFlags(command)));
}

/** The resources that the flags name. Throws `usage` where they name none. */
export async function resourcesOf(
  { resource }: ResourceFlags,
  terminal: Terminal,
): Promise<readonly FileObject[]> {
  if (resource.length === 0) {
    throw new AssayError("usage", "no --resource is given", {
      hint: "name the files with the Pods, Deployments, … to judge: --resource pod.yaml, or --resource - for standard input",
    });
  }
  const { readObjects } = await import("../inputs/read-objects.ts");
  return readObjects(resource, terminal);
}

/** When an evaluation of the command line ends early: `--timeout`, or Ctrl-C. */
export function limitsOf(
  { timeout }: Pick<SourceFlags, "timeout">,
  { signal }: Pick<Terminal, "signal">,
): EvaluationOptions {
  return { signal, ...(timeout === undefined ? {} : { timeoutMilliseconds: timeout * 1000 }) };
}
