import { commands } from "../src/commands/index.ts";
import { runCommandLine } from "../src/terminal/command-line.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { type CliRun, ROOT } from "./run-cli.ts";

/** Runs `assay ARGS…` in this process: quicker than a process of its own, where none is needed. */
export async function runHere(
  args: readonly string[],
  options: { readonly stdin?: string; readonly cwd?: string } = {},
): Promise<CliRun> {
  const terminal = fakeTerminal({ cwd: options.cwd ?? ROOT, ...options });
  const status = await runCommandLine(args, terminal, commands);
  return { status, ...terminal.printed };
}
