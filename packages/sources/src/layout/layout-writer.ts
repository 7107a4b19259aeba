import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "@assay/image";
import { fieldOf, isFields, own, parseObject } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";
import { repositoryAnnotation, tagAnnotation } from "./layout-contents.ts";
import { blobName } from "./layout-files.ts";

/** A manifest with its place: what `index.json` says of it. */
export interface LayoutEntry {
  readonly repository: string;
  readonly tag?: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Fills an OCI layout directory. Blobs appear whole, and nothing is listed before it is there. */
export interface LayoutWriter {
  blob(digest: Digest, bytes: Uint8Array): Promise<void>;
  manifest(entry: LayoutEntry): Promise<void>;
  /** A file beside the blobs, e.g. the trust root. */
  file(name: string, content: string): Promise<void>;
  /** Writes `index.json`. */
  finish(): Promise<void>;
}

/**
 * Opens a directory for writing, which may hold a layout already: then entries are added, and a tag that moved points
 * to its new manifest. Throws `SourceError` for a directory that holds something else.
 */
export async function layoutWriter(directory: string): Promise<LayoutWriter> {
  await mkdir(join(directory, "blobs"), { recursive: true });
  const entries = new Map<string, object>(await knownEntries(directory));
  const blob = async (digest: Digest, bytes: Uint8Array): Promise<void> => {
    const path = join(directory, blobName(digest));
    if (await exists(path, bytes.byteLength)) return;
    await replace(path, bytes);
  };
  return {
    blob,
    async manifest({ repository, tag, mediaType, digest, bytes }) {
      await blob(digest, bytes);
      const annotations = {
        [repositoryAnnotation]: repository,
        ...(tag === undefined ? {} : { [tagAnnotation]: tag }),
      };
      entries.set(keyOf(repository, tag ?? digest), {
        mediaType,
        digest,
        size: bytes.byteLength,
        annotations,
      });
    },
    file: (name, content) => replace(join(directory, name), content),
    async finish() {
      const index = {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry),
      };
      await replace(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
      await replace(join(directory, "index.json"), JSON.stringify(index, undefined, 1));
    },
  };
}

async function knownEntries(directory: string): Promise<readonly (readonly [string, object])[]> {
  const bytes = await readFile(join(directory, "index.json")).catch(() => undefined);
  if (bytes === undefined) return [];
  const index = parseObject(bytes);
  const manifests = fieldOf(index, "manifests");
  if (!Array.isArray(manifests)) {
    throw new SourceError("misuse", `\`${directory}/index.json\` is no OCI layout's`, { origin: directory });
  }
  return manifests.filter(isFields).map((entry) => {
    const annotations = own(entry, "annotations");
    const named = isFields(annotations) ? annotations : {};
    return [
      keyOf(String(named[repositoryAnnotation]), String(named[tagAnnotation] ?? entry["digest"])),
      entry,
    ];
  });
}

function keyOf(repository: string, reference: string): string {
  return JSON.stringify([repository, reference]);
}

async function exists(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.size === size;
}

async function replace(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
