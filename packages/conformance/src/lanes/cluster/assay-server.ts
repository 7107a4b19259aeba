import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";

export interface AssayServerOptions {
  readonly root: string;
  readonly kubeconfig: string;
  readonly certificate: { readonly certFile: string; readonly keyFile: string };
  readonly port?: number;
}

/** The real command line in a process of its own. */
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

/** Starts `assay serve --cluster` and resolves with its port once it says that it listens and is ready. */
export async function startAssay(options: AssayServerOptions): Promise<AssayServer> {
  const child = spawn(join(options.root, "node_modules/.bin/node"), args(options), {
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
  const port = await listeningPort(child, () => log);
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

/** Runs `assay ARGS` to its end against the cluster of a kubeconfig. */
export function runAssay(root: string, kubeconfig: string, args: readonly string[]): Promise<Ran> {
  return runNode(root, kubeconfig, [join(root, "packages/assay/src/cli.ts"), ...args]);
}

/** Runs a program of this repository to its end against the cluster of a kubeconfig. */
export function runNode(root: string, kubeconfig: string, program: readonly string[]): Promise<Ran> {
  const cli = ["--conditions=assay:source", ...program];
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return new Promise((resolve) => {
    execFile(join(root, "node_modules/.bin/node"), cli, { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
  });
}

function args({ root, kubeconfig, certificate, port = 0 }: AssayServerOptions): string[] {
  return [
    "--conditions=assay:source",
    join(root, "packages/assay/src/cli.ts"),
    "serve",
    "--cluster",
    `--kubeconfig=${kubeconfig}`,
    `--tls-cert=${certificate.certFile}`,
    `--tls-key=${certificate.keyFile}`,
    "--host=127.0.0.1",
    `--port=${port}`,
    "--leader-election-namespace=assay",
    "--scan-interval=5",
    "--exception-namespace=exceptions",
    "--log-format=json",
  ];
}

function listeningPort(child: ChildProcess, log: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (what: string): void => reject(new Error(`assay serve ${what}:\n${log()}`));
    const timer = setTimeout(() => failed("did not become ready"), 30_000);
    child.stdout?.on("data", () => {
      const port = /"port":(\d+)/.exec(log())?.[1];
      // Until its policies have arrived the server is not ready, and closed.
      if (port === undefined || !log().includes('"message":"policies loaded"')) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.on("exit", (code) => failed(`ended with ${code}`));
  });
}
