import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout } from "node:timers/promises";
import type { RegistryHost } from "./push.ts";

/** A registry that runs as a process of its own. */
export interface RegistryProcess extends RegistryHost {
  readonly stop: () => void;
}

/** Debian's docker-registry: no referrers API, storage in a fresh directory. */
export async function startDockerRegistry(
  binary: string,
  host: string,
  directory: string,
): Promise<RegistryProcess> {
  mkdirSync(directory, { recursive: true });
  const config = join(directory, "config.yml");
  writeFileSync(
    config,
    [
      "version: 0.1",
      "log: { level: error, accesslog: { disabled: true } }",
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(directory, "data"))} } }`,
      `http: { addr: ${JSON.stringify(host)} }`,
      "",
    ].join("\n"),
  );
  return await startRegistry(binary, ["serve", config], { host, referrersApi: false });
}

/** The same storage as another registry's, behind TLS and a password; `directory` holds certificate, key and htpasswd. */
export async function startSecuredRegistry(
  binary: string,
  {
    host,
    directory,
    storage,
  }: { readonly host: string; readonly directory: string; readonly storage: string },
): Promise<RegistryProcess> {
  const file = (name: string): string => JSON.stringify(join(directory, name));
  const config = join(directory, "config.yml");
  writeFileSync(
    config,
    [
      "version: 0.1",
      "log: { level: error, accesslog: { disabled: true } }",
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(storage)} } }`,
      `auth: { htpasswd: { realm: interop, path: ${file("htpasswd")} } }`,
      `http: { addr: ${JSON.stringify(host)}, tls: { certificate: ${file("server.crt")}, key: ${file("server.key")} } }`,
      "",
    ].join("\n"),
  );
  return await startRegistry(binary, ["serve", config], { host, referrersApi: false });
}

/** A registry with the referrers API, storage in memory. */
export async function startReferrersRegistry(binary: string, host: string): Promise<RegistryProcess> {
  return await startRegistry(binary, [host], { host, referrersApi: true });
}

async function startRegistry(
  binary: string,
  args: readonly string[],
  served: RegistryHost,
): Promise<RegistryProcess> {
  const { host } = served;
  // Into a file: while this process waits for a command, nobody would read a pipe, and the registry would block on it.
  const log = join(mkdtempSync(join(tmpdir(), "assay-registry-")), "log");
  const output = openSync(log, "w");
  const child = spawn(binary, args, { stdio: ["ignore", output, output] });
  closeSync(output);
  let ended = false;
  child.on("exit", () => {
    ended = true;
  });
  const deadline = Date.now() + 20_000;
  while (!(await answers(host))) {
    if (ended || Date.now() > deadline)
      throw new Error(`${binary} does not serve ${host}: ${readFileSync(log, "utf8").slice(-2_000)}`);
  }
  if (ended) throw new Error(`something else listens at ${host}: ${readFileSync(log, "utf8").slice(-2_000)}`);
  const stop = (): void => {
    child.kill();
    rmSync(dirname(log), { recursive: true, force: true });
  };
  return { ...served, stop };
}

async function answers(host: string): Promise<boolean> {
  const [answer] = await Promise.all([fetch(`http://${host}/v2/`).catch(() => undefined), setTimeout(50)]);
  // A server that speaks TLS answers plain http with 400.
  return answer !== undefined;
}

/** A process that serves until it is stopped. */
export interface ServingProcess {
  /** What it printed first: what a caller has to know. */
  readonly line: string;
  readonly stop: () => void;
}

/** Starts a process that prints one line when it serves. */
export async function startServing(command: string, args: readonly string[]): Promise<ServingProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = (): void => void child.kill("SIGKILL");
  const signal = AbortSignal.timeout(60_000);
  signal.addEventListener("abort", stop, { once: true });
  for await (const line of createInterface({ input: child.stdout, signal })) {
    signal.removeEventListener("abort", stop);
    child.stdout.resume();
    return { line, stop };
  }
  throw new Error(`${command} ${args.join(" ")} does not serve`);
}

/** How a command ended, and everything that it printed. */
export interface Ended {
  readonly status: number;
  readonly output: string;
}

/** Runs a command to its end, with nothing on standard input. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Ended {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 120_000,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return { status: status ?? 125, output: `${stdout}${stderr}${error ? error.message : ""}`.trim() };
}
