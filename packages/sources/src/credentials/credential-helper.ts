import { spawn } from "node:child_process";
import { own, parseObject, text } from "../oci/manifest.ts";
import type { Credential } from "../registry/credential.ts";
import { SourceError, shown } from "../source-error.ts";

const timeoutMs = 15_000;
const maxBytes = 1024 * 1024;
/** Milliseconds after its end for what it said to arrive. */
const lingerMs = 500;

/** How a helper is started; for tests and sandboxes. */
export interface HelperOptions {
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Asks `docker-credential-NAME get` for a registry's credentials, by docker's protocol: the server's name on its
 * standard input, JSON on its output. Undefined: it has none. Throws `SourceError` when it cannot be run.
 */
export async function helperCredential(
  name: string,
  server: string,
  options: HelperOptions,
): Promise<Credential | undefined> {
  // The name comes from a file that others may write: it names a program on the PATH, nothing else.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new SourceError("misuse", `\`${shown(name)}\` is no name of a credential helper`, {
      origin: shown(name),
    });
  }
  const { code, stdout, stderr } = await run(`docker-credential-${name}`, server, options);
  if (code !== 0) {
    const said = shown(stdout.toString("utf8") || stderr.toString("utf8"));
    if (/credentials not found/i.test(said)) return undefined;
    throw unusable(name, `it ended with ${code}: ${said}`);
  }
  const answer = parseObject(stdout);
  const secret = answer === undefined ? undefined : text(own(answer, "Secret"));
  const username = answer === undefined ? undefined : text(own(answer, "Username"));
  if (secret === undefined || username === undefined)
    throw unusable(name, "its answer has no username and secret");
  if (username === "<token>") return { kind: "identityToken", token: secret };
  return { kind: "basic", username, password: secret };
}

interface Ended {
  readonly code: number | string;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs it until it ends, `signal` is aborted, or it takes too long or says too much: then nothing of it goes on. */
function run(program: string, input: string, { signal, env }: HelperOptions): Promise<Ended> {
  signal.throwIfAborted();
  const isGroup = process.platform !== "win32";
  return new Promise((resolve, reject) => {
    // In a group of its own: what it starts itself can be ended with it.
    const child = spawn(program, ["get"], { env, detached: isGroup, windowsHide: true });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const hangUp = (): void => {
      child.stdout.destroy();
      child.stderr.destroy();
    };
    let refusal: string | undefined;
    const kill = (why: string): void => {
      refusal ??= why;
      if (isGroup && child.pid !== undefined) killGroup(child.pid);
      else child.kill("SIGKILL");
      hangUp();
    };
    const onAbort = (): void => kill("it was ended");
    const timer = setTimeout(() => kill(`it took longer than ${timeoutMs} ms`), timeoutMs);
    let left = maxBytes;
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) kill(`it said more than ${maxBytes} bytes`);
        else output[name].push(chunk);
      });
    }
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      end();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // What it leaves running in the background may hold its output open.
    child.on("exit", () => void setTimeout(hangUp, lingerMs).unref());
    child.on("error", (error: NodeJS.ErrnoException) =>
      settle(() =>
        reject(unusable(program, error.code === "ENOENT" ? "it is not on the PATH" : error.message)),
      ),
    );
    child.on("close", (code, by) =>
      settle(() => {
        if (signal.aborted) return reject(signal.reason);
        if (refusal !== undefined) return reject(unusable(program, refusal));
        const [stdout, stderr] = [Buffer.concat(output.stdout), Buffer.concat(output.stderr)];
        resolve({ code: code ?? by ?? "a signal", stdout, stderr });
      }),
    );
    // A helper may end without reading: that is its business.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

function unusable(name: string, why: string): SourceError {
  return new SourceError("unavailable", `credential helper \`${name}\`: ${why}`, { origin: name });
}
