import { readFile, stat } from "node:fs/promises";
import type { ContextSource } from "@assay/engine";
import type { Json, JsonObject } from "@assay/policy";
import { parseAllDocuments } from "yaml";
import { SourceError } from "../source-error.ts";
import { type ContextValues, contextFromObjects } from "./context-from-objects.ts";

const maxBytes = 16 * 1024 * 1024;

/**
 * ConfigMaps and Secrets from YAML or JSON files (several documents and `List`s included); other kinds are passed
 * over. Throws `SourceError` for a file that cannot be read or is no YAML.
 */
export async function contextFromFiles(
  paths: readonly string[],
  values?: ContextValues,
): Promise<ContextSource> {
  const objects = await Promise.all(paths.map(readObjects));
  return contextFromObjects(objects.flat(), values);
}

async function readObjects(path: string): Promise<readonly JsonObject[]> {
  const text = await textOf(path);
  return parseAllDocuments(text, { uniqueKeys: true, strict: true }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new SourceError("malformed", `\`${path}\` is no YAML: ${error.message.split("\n")[0]}`, {
        origin: path,
      });
    }
    return expanded(document.toJS({ maxAliasCount: 100 }) as Json);
  });
}

async function textOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes)
      throw new SourceError("tooLarge", `\`${path}\` is over ${maxBytes} bytes`, { origin: path });
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError("unavailable", `\`${path}\` cannot be read: ${why}`, { origin: path, cause });
  }
}

function expanded(document: Json): readonly JsonObject[] {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return [];
  const object = document as JsonObject; // neither null nor a list, see above.
  const items = object["items"];
  return Array.isArray(items) ? items.flatMap(expanded) : [object];
}
