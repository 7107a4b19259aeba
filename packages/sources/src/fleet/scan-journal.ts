import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { isFields, own } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";

/** What came of one item. */
export type ScanOutcome<R> =
  | { readonly key: string; readonly result: R }
  /** It could not be evaluated at all: a bug, or an item that is none. It is tried again by the next run. */
  | { readonly key: string; readonly error: string };

/** Remembers what is done, so that a scan that was stopped goes on where it was. */
export interface ScanJournal<R> {
  has(key: string): boolean;
  add(outcome: ScanOutcome<R>): Promise<void>;
  close(): Promise<void>;
}

/**
 * A journal in a file, one outcome a line (JSON): it is the scan's result at the same time. A line that was cut off by a
 * crash is dropped. Of each item that is done, only a short hash is kept in memory.
 */
export async function fileJournal<R>(path: string): Promise<ScanJournal<R>> {
  const done = new Set<string>();
  const whole = await readDone(path, done);
  const file = await open(path, "a");
  if (whole !== undefined) await file.truncate(whole);
  let writing = Promise.resolve();
  return {
    has: (key) => done.has(short(key)),
    add(outcome) {
      if ("result" in outcome) done.add(short(outcome.key));
      // One after the other, so that lines stay whole.
      writing = writing.then(() => append(file, outcome));
      return writing;
    },
    async close() {
      await writing;
      await file.close();
    },
  };
}

/** A journal that forgets with the process. */
export function memoryJournal<R>(): ScanJournal<R> {
  const done = new Set<string>();
  return {
    has: (key) => done.has(short(key)),
    add: async (outcome) => {
      if ("result" in outcome) done.add(short(outcome.key));
    },
    close: async () => undefined,
  };
}

async function append(file: FileHandle, outcome: unknown): Promise<void> {
  await file.appendFile(`${JSON.stringify(outcome)}\n`);
}

const beginning = '{"key":';

/** Bytes of whole lines; undefined: there is no file. */
async function readDone(path: string, done: Set<string>): Promise<number | undefined> {
  const exists = await open(path, "r").catch(() => undefined);
  if (exists === undefined) return undefined;
  await exists.close();
  let whole = 0;
  let cutOff = false;
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (cutOff) throw notAJournal(path);
    const outcome = parsed(line);
    if (outcome === undefined) {
      // A crash leaves the beginning of an outcome at the end. Anything else is somebody's file: it is left alone.
      if (!line.startsWith(beginning) && !beginning.startsWith(line)) throw notAJournal(path);
      cutOff = true;
      continue;
    }
    whole += Buffer.byteLength(line) + 1;
    if (Object.hasOwn(outcome, "result")) done.add(short(String(own(outcome, "key"))));
  }
  return whole;
}

function notAJournal(path: string): SourceError {
  return new SourceError("misuse", `\`${path}\` is no journal of a scan`, { origin: path });
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) && typeof own(value, "key") === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function short(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 22);
}
