import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "@assay/image";
import { byteTurns } from "../oci/byte-turns.ts";
import { matchesDigest } from "../oci/digest.ts";
import { openFile, readAt } from "../oci/read-at.ts";
import type { BytesCache } from "./bytes-cache.ts";
import { passingBy } from "./passing-by.ts";

export interface DiskCacheOptions {
  readonly directory: string;
  /** Bytes in all. Default 1 GiB; the least recently used go first. */
  readonly maxBytes?: number;
  /** Milliseconds after which reading or writing is no longer waited for: it may be another machine's disk. Default 2,000. */
  readonly timeoutMs?: number;
  /** Told why the directory is not read, or not written, for the next five seconds. Default: nobody. */
  readonly onTrouble?: (error: Error) => void;
}

/** After how many bytes written the directory is looked through: a twentieth of the limit. */
const sweepShare = 20;
/** A file's time is renewed when it is used, but not more often than this. */
const touchMs = 3_600_000;

/**
 * Keeps documents in a directory as `sha256/ab/<hex>`, for several processes at a time: files appear whole, by renaming,
 * and are hashed when they are read. One that holds other bytes than its name says is removed, other files are left alone.
 * Trouble with the directory makes the cache useless, never wrong; one that can only be read is read.
 */
export function diskCache(options: DiskCacheOptions): BytesCache {
  const { directory, maxBytes = 1024 ** 3, timeoutMs = 2000, onTrouble } = options;
  const patience = { timeoutMs, onTrouble, now: Date.now };
  const [reading, writing] = [passingBy(patience), passingBy(patience)];
  let unswept = Number.POSITIVE_INFINITY;
  let sweeping = false;
  const turns = byteTurns();

  function sweepIfDue(): void {
    if (sweeping || unswept < maxBytes / sweepShare) return;
    sweeping = true;
    unswept = 0;
    // Nobody waits for it: there may be hundreds of thousands of files.
    sweep(directory, maxBytes)
      .catch((error: unknown) => onTrouble?.(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        sweeping = false;
      });
  }

  return {
    async get(digest) {
      const path = pathOf(directory, digest);
      const bytes = await reading(() => read(path, maxBytes));
      if (bytes === undefined) return undefined;
      if (bytes !== "tooLarge" && (await matchesDigest(bytes, digest, turns))) {
        await writing(() => touch(path));
        return bytes;
      }
      await writing(() => rm(path, { force: true }));
      return undefined;
    },
    async set(digest, bytes) {
      await writing(() => write(pathOf(directory, digest), bytes));
      unswept += bytes.byteLength;
      sweepIfDue();
    },
  };
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    // A full disk would be full of beginnings.
    await rm(temporary, { force: true });
    throw error;
  }
}

/** INVARIANT: a digest is an algorithm's name and hex digits, so the path stays inside the directory. */
function pathOf(directory: string, digest: Digest): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return join(directory, algorithm, hex.slice(0, 2), hex);
}

/** Undefined: there is none. `tooLarge`: larger than anything that was kept. */
async function read(path: string, limit: number): Promise<Uint8Array | "tooLarge" | undefined> {
  const file = await openFile(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    return size > limit ? "tooLarge" : await readAt(file, 0, size);
  } finally {
    await file.close();
  }
}

async function touch(path: string): Promise<void> {
  const { mtimeMs } = await stat(path);
  const now = Date.now();
  if (now - mtimeMs > touchMs) await utimes(path, now / 1000, now / 1000);
}

/** What `write` makes: a whole file, or the beginning of one. Whatever else is in the directory is somebody else's. */
const ours = /^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})(?:\.[0-9a-f]{12})?$/;

async function sweep(directory: string, maxBytes: number): Promise<void> {
  const files: { readonly path: string; readonly size: number; readonly mtimeMs: number }[] = [];
  let total = 0;
  for (const algorithm of ["sha256", "sha384", "sha512"]) {
    const shelf = join(directory, algorithm);
    const entries = await readdir(shelf, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile() || !ours.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      // Another process may have removed it.
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) continue;
      files.push({ path, size: found.size, mtimeMs: found.mtimeMs });
      total += found.size;
    }
  }
  files.sort((a, b) => a.mtimeMs - b.mtimeMs);
  for (const { path, size } of files) {
    if (total <= maxBytes) return;
    await rm(path, { force: true });
    total -= size;
  }
}
