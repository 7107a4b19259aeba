import { execFile } from "node:child_process";
import { own, parseObject, text } from "../oci/manifest.ts";
import type { Credential } from "../registry/credential.ts";
import { SourceError, shown } from "../source-error.ts";

const timeoutMs = 15_000;

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

function run(program: string, input: string, { signal, env }: HelperOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, maxBuffer: 1024 * 1024, killSignal: "SIGKILL" } as const;
    const child = execFile(
      program,
      ["get"],
      { ...limits, signal, env, encoding: "buffer" },
      (error, stdout, stderr) => {
        if (signal.aborted) return reject(signal.reason);
        const code = error === null ? 0 : (error.code ?? "a signal");
        if (code === "ENOENT") return reject(unusable(program, "it is not on the PATH"));
        resolve({ code, stdout, stderr });
      },
    );
    // A helper may end without reading: that is its business.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

function unusable(name: string, why: string): SourceError {
  return new SourceError("unavailable", `credential helper \`${name}\`: ${why}`, { origin: name });
}
