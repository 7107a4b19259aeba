import type { Json } from "@assay/policy";
import type { TransparencyLogEntry } from "@sigstore/bundle";
import { parseStrictJson, readUtf8 } from "./strict-json.ts";

/** A log entry as it came, with its body read once, when somebody asks for it. */
export interface LogEntry {
  readonly entry: TransparencyLogEntry;
  readonly readBody: () => Json;
}

/** The entry with a reader of its body that remembers. */
export function logEntry(entry: TransparencyLogEntry, known?: Json): LogEntry {
  let body = known;
  return {
    entry,
    readBody: () => {
      body ??= readLogBody(entry.canonicalizedBody);
      return body;
    },
  };
}

/** The body of an entry: what the log recorded. */
export function readLogBody(bytes: Buffer): Json {
  return parseStrictJson(readUtf8(bytes, "log entry body"), "log entry body");
}
