import { join } from "node:path";
import type { Digest } from "@assay/image";
import { type ByteTurns, byteTurns } from "../oci/byte-turns.ts";
import { openFile, readAt } from "../oci/read-at.ts";
import { SourceError } from "../source-error.ts";

/** The files of an OCI layout, wherever they are: a directory, a tar file. */
export interface LayoutFiles {
  /** For messages. */
  readonly path: string;
  /** For the work on what is read. */
  readonly turns: ByteTurns;
  /** Undefined: no such file. Throws `tooLarge` beyond `limit`. */
  read(name: string, limit: number): Promise<Uint8Array | undefined>;
}

/** `blobs/sha256/<hex>`. INVARIANT: a digest has no path separators (it was parsed), so it cannot leave the layout. */
export function blobName(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** The files below a directory. Never more than `limit` bytes are read, whatever the file's size says. */
export function directoryFiles(path: string): LayoutFiles {
  return {
    path,
    turns: byteTurns(),
    async read(name, limit) {
      const file = await openFile(join(path, name)).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw unreadable(path, name, error);
      });
      if (file === undefined) return undefined;
      try {
        const { size } = await file.stat();
        if (size > limit) throw tooLarge(path, name, limit);
        return await readAt(file, 0, size);
      } catch (error) {
        throw error instanceof SourceError ? error : unreadable(path, name, error);
      } finally {
        await file.close();
      }
    },
  };
}

/** A file of a layout that is over its limit. */
export function tooLarge(path: string, name: string, limit: number): SourceError {
  return new SourceError("tooLarge", `\`${name}\` in \`${path}\` is over ${limit} bytes`, { origin: path });
}

function unreadable(path: string, name: string, cause: unknown): SourceError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SourceError("unavailable", `\`${name}\` in \`${path}\` cannot be read: ${why}`, {
    origin: path,
    cause,
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
