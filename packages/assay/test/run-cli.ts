import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a run of the command line ended. */
export interface CliRun {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program, as it stands in the sources. */
export const CLI: string = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
/** The repository's root: what paths in tests are relative to. */
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs `assay ARGS…` as a process of its own, from sources. Its environment is empty but for what `env` says. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const child = spawn(process.execPath, ["--conditions=assay:source", CLI, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { HOME: "/nonexistent", PATH: process.env["PATH"] ?? "", ...options.env },
  });
  const printed = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    printed.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    printed.err += chunk;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, ...printed }));
  });
}
