import { Buffer } from "node:buffer";
import { addAbortSignal } from "node:stream";
import { AssayError } from "../assay-error.ts";
import { plainText } from "./plain-text.ts";
import { utf8Text } from "./utf8-text.ts";

/** Everything the command line sees of the process: nothing else reads streams, environment, directory or clock. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Says on `err` what does not change the outcome: once `about` the same thing, by default the same text. */
  readonly warn: (text: string, about?: string) => void;
  /** Whole standard input, at most `limit` bytes. Rejects with the reason of `signal`: nothing is read from then on. */
  readonly stdin: (limit: number) => Promise<string>;
  /** Whether `out` may carry colours: a terminal, and neither `NO_COLOR` nor `--no-color`. */
  readonly color: boolean;
  /** Whether progress may be drawn on `err`. */
  readonly progress: boolean;
  readonly width: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly now: () => Date;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** The terminal of this process. */
export function processTerminal(process: NodeJS.Process): Terminal {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interrupted.abort(new AssayError("usage", "interrupted")));
  }
  // A reader that closes the pipe (`assay … | head`) ends the output, it is no failure of ours. A full disk is one: what
  // was decided is not told, so that nobody may take the status for it.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    process.stderr.write(`assay: standard output could not be written: ${error.message}\n`);
    process.exit(2);
  });
  let isRead = false;
  const err = (text: string): void => void process.stderr.write(text);
  return {
    out: (text) => void process.stdout.write(text),
    err,
    warn: warnOn(err),
    stdin: async (limit) => {
      if (isRead) throw new AssayError("usage", "standard input is named twice, and can be read once");
      isRead = true;
      const { signal } = interrupted;
      return readAll(addAbortSignal(signal, process.stdin), limit).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
    },
    color: wantsColor(process.env, process.stdout.isTTY === true),
    progress: process.stderr.isTTY === true && process.env["CI"] === undefined,
    width: process.stdout.columns || 100,
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
    signal: interrupted.signal,
  };
}

/** `warn` of a terminal that says by `say` what it was not told before. */
export function warnOnce(say: (text: string) => void): Terminal["warn"] {
  const said = new Set<string>();
  return (text, about = text) => {
    if (said.has(about)) return;
    said.add(about);
    say(text);
  };
}

/** `warn` of a terminal that writes by `err`. */
export function warnOn(err: Terminal["err"]): Terminal["warn"] {
  return warnOnce((text) => err(`warning: ${plainText(text)}\n`));
}

/** https://no-color.org, and `FORCE_COLOR` for those who pipe into a pager. */
function wantsColor(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return false;
  if (env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0") return true;
  return terminal && env["TERM"] !== "dumb";
}

async function readAll(stream: AsyncIterable<Uint8Array | string>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limit) {
      throw new AssayError("fileTooLarge", `standard input is larger than ${limit} bytes`);
    }
    chunks.push(bytes);
  }
  return utf8Text(Buffer.concat(chunks), "standard input");
}
