import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { callable, checkOptions } from "../check-options.ts";
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

/** What of a journal's earlier outcomes is used. */
export interface FileJournalOptions<R> {
  /**
   * Asked of each outcome that the file holds, in order, one at a time; once an item is done, no more of it. False: the result
   * holds no longer, and its item is judged again. Default: all of them hold.
   */
  readonly reuse?: (outcome: ScanOutcome<R>) => boolean | Promise<boolean>;
}

/**
 * A journal in a file, one outcome a line (JSON): it is the scan's result at the same time. A line that was cut off by a
 * crash is dropped. Of each item that is done, only a short hash is kept in memory. Rejects with a `SourceError` `misuse` for a
 * file that is none, and for an option that does not exist or is none: without its `reuse` everything would hold.
 */
export async function fileJournal<R>(
  path: string,
  options: FileJournalOptions<R> = {},
): Promise<ScanJournal<R>> {
  checkOptions(options, { reuse: callable });
  const { reuse = () => true } = options;
  const done = new Set<string>();
  const whole = await readDone(path, done, reuse);
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
      try {
        await writing;
      } finally {
        await file.close();
      }
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

/** No outcome is longer: what goes on without an end of line is no journal. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Bytes of whole lines; undefined: there is no file. */
async function readDone<R>(
  path: string,
  done: Set<string>,
  reuse: NonNullable<FileJournalOptions<R>["reuse"]>,
): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  if (!info.isFile()) throw notAJournal(path, "it is no file");
  let whole = 0;
  let count = 0;
  for await (const { text, bytes, ended } of linesOf(path)) {
    count++;
    const outcome = parsed(text);
    // A crash leaves the beginning of an outcome at the end. Anything else is somebody's file: it is left alone.
    if (!ended && (outcome !== undefined || text.startsWith(beginning) || beginning.startsWith(text))) break;
    if (outcome === undefined) throw notAJournal(path, `line ${count} is none of its lines`);
    whole += bytes;
    const key = short(String(own(outcome, "key")));
    if (done.has(key)) continue;
    const holds = await reuse(outcome as ScanOutcome<R>); // a line of this journal, written by `add`
    if (holds && Object.hasOwn(outcome, "result")) done.add(key);
  }
  return whole;
}

interface Line {
  readonly text: string;
  /** With the end of the line. */
  readonly bytes: number;
  /** Whether an end of line was there. */
  readonly ended: boolean;
}

async function* linesOf(path: string): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    const bytes: Buffer = chunk;
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      const line = Buffer.concat([rest, bytes.subarray(from, end)]);
      rest = Buffer.alloc(0);
      from = end + 1;
      yield { text: line.toString("utf8"), bytes: line.length + 1, ended: true };
    }
    rest = Buffer.concat([rest, bytes.subarray(from)]);
    if (rest.length > MAX_LINE_BYTES) throw notAJournal(path, "a line of it does not end");
  }
  if (rest.length > 0) yield { text: rest.toString("utf8"), bytes: rest.length, ended: false };
}

function notAJournal(path: string, why: string): SourceError {
  const message = `\`${path}\` is no journal of a scan: ${why}; name another file, or remove it to begin anew`;
  return new SourceError("misuse", message, { origin: path });
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
