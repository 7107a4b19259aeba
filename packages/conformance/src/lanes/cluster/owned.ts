import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What this run has started and written; nothing of it outlives the run, however that ends. */
export interface Owned {
  readonly directory: string;
  /** Starts a process whose output goes to a file of the directory, and returns its pid. */
  start(name: string, command: readonly string[], env?: Readonly<Record<string, string>>): number;
  /** The last lines of what that process wrote. */
  log(name: string): string;
  atEnd(work: () => void): void;
}

/** From now on an end of this process, by signal or failure too, ends everything that it owns. */
export function own(purpose: string): Owned {
  const directory = mkdtempSync(join(tmpdir(), `assay-${purpose}-`));
  const endings: (() => void)[] = [];
  process.on("exit", () => {
    for (const end of endings.reverse()) end();
    // The killed may still be writing for a moment.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  process.on("SIGHUP", () => process.exit(129));
  const file = (name: string): string => join(directory, `${name}.log`);
  return {
    directory,
    start: (name, [command = "", ...args], env = {}) => {
      const log = openSync(file(name), "w");
      const child = spawn(command, args, { stdio: ["ignore", log, log], env: { ...process.env, ...env } });
      endings.push(() => child.kill("SIGKILL"));
      if (child.pid === undefined) throw new Error(`${command} could not be started`);
      return child.pid;
    },
    log: (name) =>
      existsSync(file(name))
        ? readFileSync(file(name), "utf8").trimEnd().split("\n").slice(-8).join("\n")
        : "",
    atEnd: (work) => void endings.push(work),
  };
}
