import { createHash } from "node:crypto";
import type { Answer, FetchOptions, LogEntriesLookup, LogSource } from "@assay/engine";
import { LRUCache } from "lru-cache";
import { amount, anything, type Check, callable, checkOptions } from "../check-options.ts";
import { hostsOf } from "../registry/host-names.ts";
import { singleFlight } from "../registry/single-flight.ts";
import { failureOf, SourceError } from "../source-error.ts";
import { askRekor, type RekorOptions } from "./ask-rekor.ts";

/** How logs are searched. */
export interface RekorLogsOptions extends RekorOptions {
  /** How long entries that were found are used before they are asked for again. Default 5 minutes. */
  readonly keepMs?: number;
}

const known: Readonly<Record<keyof RekorLogsOptions, Check>> = {
  ...{ fetch: callable, maxBytes: amount, timeoutMs: amount, keepMs: amount, insecureHosts: anything },
};

/** Entries that are kept, in characters of the logs' answers. */
const maxKept = 16 * 1024 * 1024;

/**
 * Searches Rekor v1 logs for the entries of signatures (`POST /api/v1/log/entries/retrieve`). What a log answers is
 * handed on as text: whether it is genuine, and about the signature, is for the kernel to say. Entries never change, so
 * those that were found are kept for a while; that there is none is found out anew. Throws `SourceError` `misuse` for
 * an option that does not exist or is none.
 */
export function rekorLogs(options: RekorLogsOptions = {}): LogSource {
  checkOptions(options, known);
  hostsOf(options.insecureHosts, "insecureHosts");
  const kept = new LRUCache<string, string>({
    maxSize: maxKept,
    sizeCalculation: (text) => text.length + 1,
    ttl: options.keepMs ?? 300_000,
  });
  const flights = singleFlight<string>();
  return {
    async fetch(lookup: LogEntriesLookup, { signal }: FetchOptions): Promise<Answer<"logEntries">> {
      signal.throwIfAborted();
      const key = createHash("sha256").update(`${lookup.url}\n${lookup.entries}`).digest("hex");
      const known = kept.get(key);
      if (known !== undefined) return answerOf(known, lookup, 0);
      try {
        const { value, joined } = await flights(key, { signal }, async ({ signal: shared }) => {
          const found = await search(lookup, options, shared);
          if (countOf(found) > 0) kept.set(key, found);
          return found;
        });
        return answerOf(value, lookup, joined ? 0 : 1);
      } catch (error) {
        signal.throwIfAborted();
        return { ok: false, failure: failureOf(error), requests: 1 };
      }
    },
  };
}

async function search(
  { url, entries }: LogEntriesLookup,
  options: RekorOptions,
  signal: AbortSignal,
): Promise<string> {
  const path = "/api/v1/log/entries/retrieve";
  const { text, value } = await askRekor({ url, path, body: `{"entries":${entries}}`, signal }, options);
  // Whoever answers so is no log: a proxy's login page, say. That is not the same as "no entry".
  if (!Array.isArray(value)) {
    const origin = new URL(url).host;
    const message = `transparency log \`${origin}\` answered with something other than a list of entries`;
    throw new SourceError("unavailable", message, { origin, status: 200 });
  }
  return text;
}

function countOf(text: string): number {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.length : 0;
}

function answerOf(json: string, { url }: LogEntriesLookup, requests: number): Answer<"logEntries"> {
  const count = countOf(json);
  const said = count === 0 ? "no entry" : count === 1 ? "1 entry" : `${count} entries`;
  return { ok: true, value: { json }, requests, notes: [`transparency log \`${url}\` has ${said}`] };
}
