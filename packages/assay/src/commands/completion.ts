import { Argument, type Command } from "commander";
import type { CommandContext } from "../terminal/command-line.ts";
import { completionScript, type Shell, shells } from "../terminal/shell-completion.ts";

/** `assay completion SHELL`: a script for the shell. */
export function addCompletionCommand(program: Command, { terminal }: CommandContext): void {
  program
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText("after", EXAMPLES)
    .action((shell: Shell) => terminal.out(completionScript(program, shell)));
}

const EXAMPLES = `
Exit status: 0 printed, 2 no such shell.

Examples:
  source <(assay completion bash)                                       in ~/.bashrc, or zsh: in ~/.zshrc
  assay completion fish > ~/.config/fish/completions/assay.fish`;
