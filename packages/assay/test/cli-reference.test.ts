import type { Command } from "commander";
import { expect, test } from "vitest";
import { commands } from "../src/commands/index.ts";
import { createProgram } from "../src/terminal/command-line.ts";
import { fakeTerminal } from "./fake-terminal.ts";

/** The page of the documentation site, written by `vitest -u`; it goes stale when a flag changes without it. */
test("docs/reference/cli.md is the help of every command", async () => {
  const terminal = fakeTerminal({ cwd: "." });
  const program = createProgram({ terminal, finish: () => {} }, commands);
  const pages = [program, ...program.commands].filter((command) => command.name() !== "help").map(section);
  const intro = "# Command line\n\nWhat `assay help COMMAND` prints.\n";
  await expect([intro, ...pages].join("\n")).toMatchFileSnapshot("../../../docs/reference/cli.md");
});

function section(command: Command): string {
  const name = fullName(command);
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  const own = command.parent === null ? [] : command.commands;
  const children = own.filter((child) => child.name() !== "help").map(section);
  return [`## ${name}\n`, "```text", help.trimEnd(), "```\n", ...children].join("\n");
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
