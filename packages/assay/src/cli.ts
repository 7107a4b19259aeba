#!/usr/bin/env node
import { commands } from "./commands/index.ts";
import { runCommandLine } from "./terminal/command-line.ts";
import { processTerminal } from "./terminal/terminal.ts";

void runCommandLine(process.argv.slice(2), processTerminal(process), commands).then((status) => {
  process.exitCode = status;
});
