import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import type { Image } from "../../image/image.ts";

export interface AssayServerOptions {
  readonly image: Image;
  /** What the image is told beside its ENTRYPOINT; with `policies`, beside `serve` and these. */
  readonly flags?: readonly string[];
  /** Policy files, in place of the cluster's policies. */
  readonly policies?: readonly string[];
  readonly certificate: { readonly certFile: string; readonly keyFile: string };
  readonly port?: number;
  /** Beside the image's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What the image runs, in a process of its own. */
export interface AssayServer {
  readonly url: string;
  readonly port: number;
  readonly options: AssayServerOptions;
  /** What it has printed so far. */
  log(): string;
  /** What Prometheus would read now. */
  metrics(caFile: string): Promise<string>;
  kill(): void;
}

/** Starts `assay serve` of an image and resolves with its port once it says that it listens and is ready. */
export async function startAssay(options: AssayServerOptions): Promise<AssayServer> {
  const { image, policies } = options;
  const [node = "", ...command] =
    policies === undefined ? image.entrypoint : [...image.assay, "serve", ...policies];
  const child = spawn(node, [...command, ...serverFlags(options)], {
    env: { ...process.env, ...image.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      const text = chunk.toString("utf8");
      log += text;
      // What the server could not do belongs beside the check that shows it.
      for (const line of text.split("\n"))
        if (line.includes('"level":"error"')) process.stdout.write(`${line}\n`);
    });
  }
  // Until the cluster's policies have arrived the server is not ready, and closed.
  const ready = () => policies !== undefined || log.includes('"message":"policies loaded"');
  const port = await listeningPort(child, () => log, ready);
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    options,
    log: () => log,
    metrics: (caFile) => read(`https://127.0.0.1:${port}/metrics`, readFileSync(caFile, "utf8")),
    kill: () => {
      child.kill("SIGKILL");
    },
  };
}

function read(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, timeout: 10_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    request.on("timeout", () => request.destroy(new Error(`${url} did not answer`)));
    request.on("error", reject);
  });
}

/** How a program ended, and what it printed. */
interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `assay ARGS` of an image to its end. */
export function runAssay(
  { assay, env }: Image,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return run([...assay, ...args], { ...env, ...more });
}

/** Runs a program of this repository to its end against the cluster of a kubeconfig. */
export function runNode(root: string, kubeconfig: string, program: readonly string[]): Promise<Ran> {
  const node = join(root, "node_modules/.bin/node");
  return run([node, "--conditions=assay:source", ...program], { KUBECONFIG: kubeconfig });
}

function run(
  [program = "", ...args]: readonly string[],
  more: Readonly<Record<string, string>>,
): Promise<Ran> {
  const env = { ...process.env, ...more };
  return new Promise((resolve) => {
    execFile(program, args, { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
  });
}

function serverFlags({ flags = [], certificate, port = 0 }: AssayServerOptions): readonly string[] {
  return [
    ...flags,
    `--tls-cert=${certificate.certFile}`,
    `--tls-key=${certificate.keyFile}`,
    "--host=127.0.0.1",
    `--port=${port}`,
    "--log-format=json",
  ];
}

function listeningPort(child: ChildProcess, log: () => string, ready: () => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (what: string): void => reject(new Error(`assay serve ${what}:\n${log()}`));
    const timer = setTimeout(() => failed("did not become ready"), 30_000);
    child.stdout?.on("data", () => {
      const port = /"port":(\d+)/.exec(log())?.[1];
      if (port === undefined || !ready()) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.on("exit", (code) => failed(`ended with ${code}`));
  });
}
