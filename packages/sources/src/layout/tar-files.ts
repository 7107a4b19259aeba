import { type FileHandle, open } from "node:fs/promises";
import { byteTurns } from "../oci/byte-turns.ts";
import { readAt } from "../oci/read-at.ts";
import { SourceError } from "../source-error.ts";
import { type LayoutFiles, tooLarge } from "./layout-files.ts";

interface Member {
  readonly offset: number;
  readonly size: number;
}

const block = 512;
/** Members of one archive; a layout of 10,000 signed images has fewer. */
const maxMembers = 1_000_000;

/**
 * The files inside an uncompressed tar archive (ustar, GNU long names, pax paths). Only headers are read at first;
 * contents on demand, by offset. Links and devices are passed over.
 */
export function tarFiles(path: string): LayoutFiles {
  let members: Promise<ReadonlyMap<string, Member>> | undefined;
  const withFile = async <T>(work: (file: FileHandle) => Promise<T>): Promise<T> => {
    const file = await open(path, "r");
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
      members ??= withFile((file) => listMembers(file, path));
      const member = (await members).get(name);
      if (member === undefined) return undefined;
      if (member.size > limit) throw tooLarge(path, name, limit);
      return withFile((file) => readAt(file, member.offset, member.size));
    },
  };
}

async function listMembers(file: FileHandle, path: string): Promise<ReadonlyMap<string, Member>> {
  const members = new Map<string, Member>();
  const { size: end } = await file.stat();
  let longName: string | undefined;
  for (let at = 0; at + block <= end; ) {
    const header = await readAt(file, at, block);
    if (header.every((byte) => byte === 0)) break;
    const size = sizeIn(header, path);
    const type = String.fromCharCode(header[156] ?? 0);
    const contents = at + block;
    if (type === "L" || type === "x") {
      if (size > block * 128) throw malformed(path, "a member's name is over 64 KiB");
      longName = nameIn(await readAt(file, contents, size), type) ?? longName;
    } else {
      const name = (longName ?? plainName(header)).replace(/^(?:\.\/)+/, "");
      if (type === "0" || type === "\0") members.set(name, { offset: contents, size });
      longName = undefined;
    }
    if (members.size > maxMembers) throw malformed(path, `it has over ${maxMembers} members`);
    at = contents + Math.ceil(size / block) * block;
  }
  return members;
}

function sizeIn(header: Uint8Array, path: string): number {
  if (((header[124] ?? 0) & 0x80) !== 0) throw malformed(path, "a member is over 8 GiB");
  const digits = textIn(header, 124, 12).trim();
  if (!/^[0-7]{1,12}$/.test(digits))
    throw malformed(path, "a header has no size (is it compressed? unpack it first)");
  return Number.parseInt(digits, 8);
}

function plainName(header: Uint8Array): string {
  const name = textIn(header, 0, 100);
  const prefix = textIn(header, 257, 5) === "ustar" ? textIn(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function nameIn(bytes: Uint8Array, type: string): string | undefined {
  const all = textIn(bytes, 0, bytes.length);
  if (type === "L") return all;
  const path = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(Buffer.from(bytes).toString("utf8"));
  return path?.[1];
}

function textIn(bytes: Uint8Array, start: number, length: number): string {
  const field = Buffer.from(bytes.subarray(start, start + length));
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}

function malformed(path: string, why: string): SourceError {
  return new SourceError("unavailable", `\`${path}\` is no OCI layout: ${why}`, { origin: path });
}
