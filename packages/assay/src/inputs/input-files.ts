import type { Dirent } from "node:fs";
import { lstat, open, readdir, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { type MinimatchOptions, minimatch } from "minimatch";
import { AssayError } from "../assay-error.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { utf8Text } from "../terminal/utf8-text.ts";

/** A file that was read whole. */
export interface InputFile {
  /** As the user would write it; `-` is standard input. */
  readonly file: string;
  readonly text: string;
}

/** Limits of one reading. */
export interface InputLimits {
  /** Largest file, in bytes. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Most files that one pattern may find. Default 20,000. */
  readonly maxFiles?: number;
  /** Directories that are passed over inside others. Default `node_modules` and `.git`. */
  readonly passedOver?: readonly string[];
}

const DEFAULTS = { maxBytes: 16 * 1024 * 1024, maxFiles: 20_000, passedOver: ["node_modules", ".git"] };
const DOCUMENT = /\.(ya?ml|json)$/i;
/** What makes a glob of a path. */
export const GLOB_SIGNS: RegExp = /[*?[\]]/;
/** Plain globs only: no braces, extensions, negation or comments, so that a pattern cannot blow up. */
const GLOB: MinimatchOptions = {
  dot: true,
  nobrace: true,
  noext: true,
  nonegate: true,
  nocomment: true,
  platform: "linux",
};

/**
 * Reads what `patterns` name: files, directories (their `.yaml`, `.yml`, `.json`, at any depth), globs (`**` crosses
 * directories) or `-` for standard input. Every pattern must find something; a file named twice is read once.
 */
export async function readInputFiles(
  patterns: readonly string[],
  terminal: Terminal,
  limits: InputLimits = {},
): Promise<readonly InputFile[]> {
  const files: InputFile[] = [];
  for await (const file of eachInputFile(patterns, terminal, limits)) files.push(file);
  return files;
}

/** The same, one file at a time: for more files than fit into memory. */
export async function* eachInputFile(
  patterns: readonly string[],
  terminal: Terminal,
  limits: InputLimits = {},
): AsyncGenerator<InputFile> {
  const { maxBytes, ...search } = { ...DEFAULTS, ...limits };
  const seen = new Set<string>();
  for (const pattern of patterns) {
    const paths = pattern === "-" ? ["-"] : await findFiles(pattern, terminal.cwd, search);
    for (const path of paths) {
      const full = path === "-" ? path : resolve(terminal.cwd, path);
      if (seen.has(full)) continue;
      seen.add(full);
      const text =
        path === "-" ? await terminal.stdin(maxBytes) : await readTextFile(path, terminal.cwd, maxBytes);
      yield { file: path, text };
    }
  }
}

/** Reads one file as UTF-8, at most `maxBytes` of it. */
export async function readTextFile(
  path: string,
  cwd: string,
  maxBytes: number = DEFAULTS.maxBytes,
): Promise<string> {
  return utf8Text(await readBytes(path, cwd, maxBytes), `\`${path}\``);
}

/** Reads one file, at most `maxBytes` of it, also where it is a pipe (`<(…)`) whose size nobody knows. */
export async function readBytes(path: string, cwd: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(resolve(cwd, path), "r").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      const bytes: Buffer = chunk;
      size += bytes.length;
      if (size > maxBytes)
        throw new AssayError("fileTooLarge", `\`${path}\` is larger than ${maxBytes} bytes`);
      chunks.push(bytes);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw error instanceof AssayError ? error : unreadable(path, error);
  } finally {
    await handle.close();
  }
}

type Search = Pick<Required<InputLimits>, "maxFiles" | "passedOver">;

async function findFiles(pattern: string, cwd: string, search: Search): Promise<readonly string[]> {
  const info = await stat(resolve(cwd, pattern)).catch(() => undefined);
  if (info !== undefined && !info.isDirectory()) return [pattern];
  const found =
    info === undefined ? await matchGlob(pattern, cwd, search) : await walk(pattern, cwd, search, isDocument);
  if (found.length > 0) return found;
  if (info !== undefined) {
    throw new AssayError("fileNotFound", `directory \`${pattern}\` holds no .yaml, .yml or .json file`);
  }
  throw new AssayError("fileNotFound", `no file matches \`${pattern}\``, {
    hint: "give a file, a directory, a glob in quotes, or - for standard input",
  });
}

async function matchGlob(pattern: string, cwd: string, search: Search): Promise<readonly string[]> {
  if (!GLOB_SIGNS.test(pattern)) return [];
  const parts = pattern.split("/");
  const fixed = parts
    .slice(
      0,
      parts.findIndex((part) => GLOB_SIGNS.test(part)),
    )
    .join("/");
  const root = fixed === "" ? (isAbsolute(pattern) ? "/" : ".") : fixed;
  if ((await lstat(resolve(cwd, root)).catch(() => undefined)) === undefined) return [];
  const wanted = pattern.replace(/^\.\//, "");
  return walk(root, cwd, search, (path) => minimatch(path.replace(/^\.\//, ""), wanted, GLOB));
}

function isDocument(path: string): boolean {
  return DOCUMENT.test(path);
}

/** Sorted, so that equal directories give equal output. Symbolic links to directories are not followed: no loops. */
async function walk(
  root: string,
  cwd: string,
  { maxFiles, passedOver }: Search,
  wanted: (path: string) => boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  const open = [root];
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    const entries: Dirent[] = await readdir(resolve(cwd, directory), { withFileTypes: true }).catch(
      (error: unknown) => {
        throw unreadable(root, error);
      },
    );
    for (const entry of entries) {
      const path = directory === "." ? entry.name : join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!passedOver.includes(entry.name)) open.push(path);
      } else if (wanted(path)) {
        found.push(path);
        if (found.length > maxFiles) {
          throw new AssayError("tooManyFiles", `\`${root}\` holds more than ${maxFiles} files`);
        }
      }
    }
  }
  return found.sort();
}

function unreadable(path: string, error: unknown): AssayError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return new AssayError("fileNotFound", `no file matches \`${path}\``);
  if (code === "EISDIR") return new AssayError("fileUnreadable", `\`${path}\` is a directory`);
  const why =
    code === "EACCES" ? "permission denied" : error instanceof Error ? error.message : String(error);
  return new AssayError("fileUnreadable", `cannot read \`${path}\`: ${why}`, { cause: error });
}
