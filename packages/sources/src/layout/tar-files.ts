import type { FileHandle } from "node:fs/promises";
import { byteTurns } from "../oci/byte-turns.ts";
import { openFile, readAt } from "../oci/read-at.ts";
import { SourceError } from "../source-error.ts";
import { type LayoutFiles, tooLarge } from "./layout-files.ts";
import { type TarHeader, tarHeader, tarNames } from "./tar-headers.ts";

interface Member {
  readonly offset: number;
  readonly size: number;
}

interface Listed {
  readonly members: ReadonlyMap<string, Member>;
  /** Names that stand for several things: which of them counts differs from reader to reader. */
  readonly ambiguous: ReadonlySet<string>;
}

const block = 512;
/** Headers of one archive; a layout of 10,000 signed images has fewer. */
const maxHeaders = 2_000_000;
const maxExtensionBytes = 128 * block;
/** `blobs/sha512/` and 128 digits have 141: what is longer is nothing of a layout's, and need not be remembered. */
const maxNameLength = 255;

/**
 * The files inside an uncompressed tar archive (ustar, GNU long names, pax). Only headers are read at first; contents on
 * demand, by offset. Links and devices are passed over. What other readers could take for something else is refused: a
 * file there twice that no digest vouches for, and what hides headers in contents or contents behind headers.
 */
export function tarFiles(path: string): LayoutFiles {
  let listed: Promise<Listed> | undefined;
  const withFile = async <T>(work: (file: FileHandle) => Promise<T>): Promise<T> => {
    const file = await openFile(path).catch((cause: unknown) => {
      throw malformed(path, cause instanceof Error ? cause.message : String(cause));
    });
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  };
  return {
    path,
    turns: byteTurns(),
    async read(name, limit) {
      listed ??= withFile((file) => listMembers(file, path));
      const { members, ambiguous } = await listed;
      if (ambiguous.has(name)) throw malformed(path, `it has \`${name}\` more than once`);
      const member = members.get(name);
      if (member === undefined) return undefined;
      if (member.size > limit) throw tooLarge(path, name, limit);
      return withFile((file) => readAt(file, member.offset, member.size));
    },
  };
}

async function listMembers(file: FileHandle, path: string): Promise<Listed> {
  const members = new Map<string, Member>();
  const seen = new Set<string>();
  const ambiguous = new Set<string>();
  const names = tarNames((why) => malformed(path, why));
  const { size: end } = await file.stat();
  let at = 0;
  for (let headers = 0; at + block <= end; headers++) {
    if (headers >= maxHeaders) throw malformed(path, `it has over ${maxHeaders} headers`);
    const bytes = await readAt(file, at, block);
    if (bytes.every((byte) => byte === 0)) break;
    const header = tarHeader(bytes, (why) => malformed(path, why));
    const { size, kind } = header;
    const contents = at + block;
    if (kind === "extension") {
      if (size > maxExtensionBytes) throw malformed(path, "a member's name is over 64 KiB");
      names.extend(header, await readAt(file, contents, size));
    } else note(header, names.nameOf(header), contents);
    at = contents + Math.ceil(size / block) * block;
  }
  return { members, ambiguous };

  function note({ kind, size }: TarHeader, name: string, offset: number): void {
    if (kind === "directory" || name.length > maxNameLength) return;
    // Blobs are hashed when they are read, so that it does not matter which of two it is.
    if (!name.startsWith("blobs/")) {
      if (seen.has(name)) ambiguous.add(name);
      seen.add(name);
    }
    if (kind === "file") members.set(name, { offset, size });
  }
}

function malformed(path: string, why: string): SourceError {
  return new SourceError("unavailable", `\`${path}\` is no OCI layout: ${why}`, { origin: path });
}
