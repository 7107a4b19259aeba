import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "@assay/image";
import { byteTurns } from "../oci/byte-turns.ts";
import { matchesDigest } from "../oci/digest.ts";
import { openFile, readAt } from "../oci/read-at.ts";
import type { BytesCache } from "./bytes-cache.ts";

export interface DiskCacheOptions {
  readonly directory: string;
  /** Bytes in all. Default 1 GiB; the least recently used go first. */
  readonly maxBytes?: number;
}

/** After how many bytes written the directory is looked through: a twentieth of the limit. */
const sweepShare = 20;
/** A file's time is renewed when it is used, but not more often than this. */
const touchMs = 3_600_000;

/**
 * Keeps documents in a directory as `sha256/ab/<hex>`, for several processes at a time: files appear whole, by renaming,
 * and are hashed when they are read. One that holds other bytes than its name says is removed. Trouble with the
 * directory makes the cache useless, never wrong.
 */
export function diskCache(options: DiskCacheOptions): BytesCache {
  const { directory, maxBytes = 1024 ** 3 } = options;
  let unswept = Number.POSITIVE_INFINITY;
  let sweeping = false;
  const turns = byteTurns();

  async function write(digest: Digest, bytes: Uint8Array): Promise<void> {
    const path = pathOf(directory, digest);
    await mkdir(join(path, ".."), { recursive: true });
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    await writeFile(temporary, bytes);
    await rename(temporary, path);
    unswept += bytes.byteLength;
    if (sweeping || unswept < maxBytes / sweepShare) return;
    sweeping = true;
    unswept = 0;
    await sweep(directory, maxBytes).finally(() => {
      sweeping = false;
    });
  }

  return {
    async get(digest) {
      const path = pathOf(directory, digest);
      try {
        const bytes = await read(path, maxBytes);
        if (bytes !== undefined && (await matchesDigest(bytes, digest, turns))) {
          await touch(path);
          return bytes;
        }
        await rm(path, { force: true });
      } catch {
        // Not there, or not readable: the registry has it.
      }
      return undefined;
    },
    set: (digest, bytes) => write(digest, bytes).catch(() => undefined),
  };
}

/** INVARIANT: a digest is an algorithm's name and hex digits, so the path stays inside the directory. */
function pathOf(directory: string, digest: Digest): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return join(directory, algorithm, hex.slice(0, 2), hex);
}

/** Undefined: it is larger than anything that was kept. */
async function read(path: string, limit: number): Promise<Uint8Array | undefined> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    return size > limit ? undefined : await readAt(file, 0, size);
  } finally {
    await file.close();
  }
}

async function touch(path: string): Promise<void> {
  const { mtimeMs } = await stat(path);
  const now = Date.now();
  if (now - mtimeMs > touchMs) await utimes(path, now / 1000, now / 1000);
}

async function sweep(directory: string, maxBytes: number): Promise<void> {
  const files: { readonly path: string; readonly size: number; readonly mtimeMs: number }[] = [];
  let total = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Another process may have removed it.
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    files.push({ path, size: found.size, mtimeMs: found.mtimeMs });
    total += found.size;
  }
  files.sort((a, b) => a.mtimeMs - b.mtimeMs);
  for (const { path, size } of files) {
    if (total <= maxBytes) return;
    await rm(path, { force: true });
    total -= size;
  }
}
