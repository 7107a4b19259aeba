import { Command, CommanderError } from "commander";
import { AssayError } from "../assay-error.ts";
import { VERSION } from "../version.ts";
import { plainText } from "./plain-text.ts";
import type { Terminal } from "./terminal.ts";

/** What the exit status of every command means. */
export const exitCode: { readonly allowed: 0; readonly denied: 1; readonly undecided: 2 } = {
  allowed: 0,
  denied: 1,
  undecided: 2,
};

/** One command: adds itself to the program and reports how it ended through `finish`. */
export type AddCommand = (program: Command, context: CommandContext) => void;

export interface CommandContext {
  readonly terminal: Terminal;
  /** Sets the exit status; the worst one counts. */
  readonly finish: (code: number) => void;
}

/**
 * Runs the command line and returns the exit status: 0 all allowed, 1 something denied, 2 wrong usage or could not
 * be decided. A mistake of the user's is one message on standard error that says what to do, never a stack trace.
 */
export async function runCommandLine(
  args: readonly string[],
  terminal: Terminal,
  commands: readonly AddCommand[],
): Promise<number> {
  let status: number = exitCode.allowed;
  const plain = args.includes("--no-color") ? { ...terminal, color: false } : terminal;
  const finish = (code: number): void => {
    status = Math.max(status, code);
  };
  const program = createProgram({ terminal: plain, finish }, commands);
  try {
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCode.undecided;
    plain.err(await describeError(error));
    return exitCode.undecided;
  }
}

/** The whole command tree; also what shell completion and the reference documentation are made from. */
export function createProgram(context: CommandContext, commands: readonly AddCommand[]): Command {
  const { terminal } = context;
  const program = new Command("assay")
    .description("decides by policy whether container images may run")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .option("--no-color", "no colours, also on a terminal (as does NO_COLOR)")
    .showSuggestionAfterError(true)
    .showHelpAfterError("(assay --help shows what there is)")
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
      getOutHasColors: () => terminal.color,
      getErrHasColors: () => false,
    })
    .exitOverride();
  for (const add of commands) add(program, context);
  for (const command of program.commands) inherit(command, program);
  return program.addHelpText("after", EPILOGUE);
}

/** `copyInheritedSettings` also for commands below commands (`assay rekor search`). */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  command.showHelpAfterError(`(${fullName(command)} --help shows what there is)`);
  command.option("--no-color", "no colours, also on a terminal");
  refuseRepeats(command);
  for (const child of command.commands) inherit(child, command);
}

/**
 * Of two `--key` the last would count, and whoever reads the line sees both. What may be repeated collects into a list,
 * which is its default.
 */
function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    const takesOne = (option.required || option.optional) && !option.variadic;
    if (!takesOne || Array.isArray(option.defaultValue)) continue;
    let isGiven = false;
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: option '${option.flags}' is given twice, and takes one value`);
      isGiven = true;
    });
  }
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** One paragraph for a person: what is wrong, and what to do. A bug of ours keeps its stack: it is to be reported. */
export async function describeError(error: unknown): Promise<string> {
  const findings = await diagnosticTexts(error);
  if (findings.length > 1) {
    const shown = findings.slice(0, MAX_FINDINGS).map((finding) => `  ${plainText(finding)}`);
    const more = findings.length > shown.length ? [`  … and ${findings.length - shown.length} more`] : [];
    return `${[`assay: ${findings.length} errors`, ...shown, ...more].join("\n")}\n`;
  }
  if (isOwnError(error)) {
    const hint = error instanceof AssayError && error.hint !== undefined ? `\n  ${error.hint}` : "";
    return `assay: ${plainText(error.message)}${hint}\n`;
  }
  if (isSystemError(error)) return `assay: ${plainText(systemText(error))}\n`;
  if (isFullDisk(error)) return `assay: ${plainText(error.message)}\n`;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `assay: internal error, please report it with what you ran\n${detail}\n`;
}

const MAX_FINDINGS = 20;

/** Every error of a policy that was refused, not only the first. The reader of policies is loaded only if it was needed. */
async function diagnosticTexts(error: unknown): Promise<readonly string[]> {
  if (!(error instanceof Error) || error.name !== "PolicyError") return [];
  const { diagnosticText, PolicyError } = await import("@assay/policy");
  if (!(error instanceof PolicyError)) return [];
  return error.diagnostics.filter(({ severity }) => severity === "error").map(diagnosticText);
}

/** The packages' own errors: each has a code, in camel case unlike Node's, and a message written for people. */
function isOwnError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    /^[A-Z][A-Za-z]+Error$/.test(error.name) &&
    "code" in error &&
    typeof error.code === "string" &&
    /^[a-z]/.test(error.code)
  );
}

/** What the operating system refused about a file that the user named (a full disk, a missing directory, no permission). */
function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly path: string } {
  return error instanceof Error && "syscall" in error && "path" in error && typeof error.path === "string";
}

/** A write says no path: the file was open. */
function isFullDisk(error: unknown): error is Error {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** Node says `ENOENT: no such file or directory, open '/nowhere/r.json'`. */
function systemText({ message, path, syscall }: NodeJS.ErrnoException & { readonly path: string }): string {
  const reason = /^E[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
  return `${syscall} \`${path}\`: ${reason}`;
}

const EPILOGUE = `
Exit status: 0 all allowed (or found), 1 something denied, 2 wrong usage or could not be decided.

Examples:
  assay apply policies/ --resource pod.yaml           may this Pod run?
  assay verify registry.example.com/app:v1 --key cosign.pub
  assay lint policies/                                what is wrong or risky in my policies?
  assay test .                                        run kyverno-test.yaml files`;
