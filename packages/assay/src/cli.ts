#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";
import { commands } from "./commands/index.ts";
import { processTerminal } from "./terminal.ts";

void runCommandLine(process.argv.slice(2), processTerminal(process), commands).then((status) => {
  process.exitCode = status;
});
