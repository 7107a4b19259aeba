import { readFile, stat } from "node:fs/promises";
import type { Answer, FetchOptions, TrustLookup, TrustSource } from "@assay/engine";
import { failureOf, SourceError } from "../source-error.ts";
import { type PemTrust, trustedRootFromPem, trustedRootText } from "./trusted-root-text.ts";

/** One trust root: a file (`trusted_root.json` or `.jsonl`), its text, PEM files' contents, or another source. */
export type TrustRootInput =
  | { readonly file: string }
  | { readonly json: string }
  | { readonly pem: PemTrust }
  | { readonly source: TrustSource };

/** What a root without a name in the policy is called. */
const publicGood = "public-good";
const maxBytes = 4 * 1024 * 1024;

/**
 * Trust roots by name. A single root given without a name answers for `public-good`, the name that policies mean when
 * they name none. Files are read when they are first needed and again when they change; no network is touched.
 *
 * A name that nobody configured is a failure, never another root.
 */
export function trustRoots(roots: TrustRootInput | Readonly<Record<string, TrustRootInput>>): TrustSource {
  const named = isInput(roots) ? new Map([[publicGood, roots]]) : new Map(Object.entries(roots));
  const files = new Map<string, ReturnType<typeof fileReader>>();
  for (const input of named.values()) {
    if ("file" in input) files.set(input.file, fileReader(input.file));
  }

  async function textOf(
    input: Exclude<TrustRootInput, { source: TrustSource }>,
    name: string,
  ): Promise<string> {
    if ("json" in input) return trustedRootText(input.json, `trust root ${name}`);
    if ("pem" in input) return trustedRootFromPem(input.pem, `trust root ${name}`);
    const read = files.get(input.file) ?? fileReader(input.file);
    return read();
  }

  return {
    async fetch(lookup: TrustLookup, options: FetchOptions): Promise<Answer<"trustRoot">> {
      const input = named.get(lookup.name);
      try {
        if (input === undefined) throw unknownRoot(lookup.name, [...named.keys()]);
        if ("source" in input) return await input.source.fetch(lookup, options);
        return { ok: true, value: { json: await textOf(input, lookup.name) }, requests: 0 };
      } catch (error) {
        return { ok: false, failure: failureOf(error), requests: 0 };
      }
    },
  };
}

function isInput(roots: TrustRootInput | Readonly<Record<string, TrustRootInput>>): roots is TrustRootInput {
  // A record's values are objects; `file` and `json` of an input are text, `pem` has none of an input's keys.
  const value = Object.values(roots)[0] as unknown;
  if (typeof value === "string") return true;
  return Object.keys(roots).length === 1 && ("pem" in roots || "source" in roots) && !isNested(value);
}

function isNested(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    ["file", "json", "pem", "source"].some((key) => key in value)
  );
}

function unknownRoot(name: string, known: readonly string[]): SourceError {
  const message = `there is no trust root \`${name}\`; configured are: ${known.join(", ") || "none"}`;
  return new SourceError("notFound", message, { origin: name });
}

/** Reads a file when it changed since the last time. */
function fileReader(path: string): () => Promise<string> {
  let kept: { readonly stamp: string; readonly text: string } | undefined;
  return async () => {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (kept?.stamp === stamp) return kept.text;
      if (size > maxBytes) {
        throw new SourceError("tooLarge", `trust root \`${path}\` is over ${maxBytes} bytes`, {
          origin: path,
        });
      }
      const text = trustedRootText(await readFile(path, "utf8"), path);
      kept = { stamp, text };
      return text;
    } catch (cause) {
      if (cause instanceof SourceError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SourceError("unavailable", `trust root \`${path}\` cannot be read: ${why}`, {
        origin: path,
        cause,
      });
    }
  };
}
