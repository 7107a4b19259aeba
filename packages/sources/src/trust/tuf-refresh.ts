import { hash, randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fieldOf, parseObject, text } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";

/** A TUF repository and where its verified metadata is kept. */
export interface TufRepository {
  readonly mirror: string;
  /** Text of the first trusted `root.json`; undefined: the one that comes with `@sigstore/tuf`. */
  readonly root: string | undefined;
  readonly target: string;
  /** Directory of this repository's metadata; written by several processes. */
  readonly cache: string;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** What a refresh came to. */
export interface Refreshed {
  readonly text: string;
  /** Milliseconds since the epoch: the first of the metadata's expiries. */
  readonly expires: number;
  /** The verified metadata could not be kept for the next start. */
  readonly notKept: string | undefined;
}

const metadata = ["root.json", "targets.json", "snapshot.json", "timestamp.json"] as const;

/**
 * An address that `fetch` refuses by itself (port 1 is a blocked port): no name is resolved, no socket opened. The
 * client's own `forceCache` goes to the network when something is wrong with the cache, and then does not look for new
 * root keys; here it must fail.
 */
const nowhere = "http://offline.invalid:1";

/**
 * The target by the cached metadata alone, verified like any other, without network. Throws `unavailable` where the
 * cache is empty, incomplete, damaged or expired.
 */
export async function readTufCache(repository: TufRepository): Promise<Refreshed> {
  return withClient(repository, { mirror: nowhere, offline: true }, async (_, refreshed) => refreshed);
}

/**
 * Runs TUF's client workflow against the mirror and returns the target.
 *
 * The client works on a copy, and what it verified replaces the cache file by file, never by an older version: processes
 * that share a cache, and a process that is killed, leave it whole.
 */
export async function refreshTuf(repository: TufRepository, now: number): Promise<Refreshed> {
  return withClient(repository, { mirror: repository.mirror, offline: false }, async (files, refreshed) => {
    const notKept = await publish(files, repository, now).catch((error: unknown) => String(error));
    return { ...refreshed, notKept };
  });
}

async function withClient(
  repository: TufRepository,
  { mirror, offline }: { readonly mirror: string; readonly offline: boolean },
  use: (files: string, refreshed: Refreshed) => Promise<Refreshed>,
): Promise<Refreshed> {
  const { initTUF } = await import("@sigstore/tuf");
  const work = await mkdtemp(join(tmpdir(), "assay-tuf-")).catch((cause: unknown) => {
    const message = `TUF repository \`${repository.mirror}\` could not be read: no temporary directory can be made in \`${tmpdir()}\` (TMPDIR names another)`;
    throw new SourceError("unavailable", message, { origin: new URL(repository.mirror).host, cause });
  });
  const url = new URL(mirror);
  // Where @sigstore/tuf keeps a mirror's files.
  const files = join(work, encodeURIComponent(url.host + url.pathname.replace(/\/$/, "")));
  try {
    await copyCache(repository.cache, files);
    const rootPath = join(work, "first-root.json");
    const isGiven = repository.root !== undefined && !offline;
    if (isGiven) await writeFile(rootPath, repository.root);
    const client = await initTUF({
      mirrorURL: mirror,
      cachePath: work,
      forceCache: offline,
      retry: { retries: offline ? 0 : repository.retries },
      timeout: repository.timeoutMs,
      ...(isGiven ? { rootPath } : {}),
    });
    const content = await client.getTarget(repository.target);
    return await use(files, { text: content, expires: await firstExpiry(files), notKept: undefined });
  } catch (cause) {
    const message = `TUF repository \`${repository.mirror}\` could not be refreshed: ${reasonOf(cause)}`;
    throw new SourceError("unavailable", message, { origin: new URL(repository.mirror).host, cause });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The cached target whatever its age, only for who asked for that: it is still the one that the cached metadata names, so
 * that a file which was damaged or exchanged is not taken for it. Undefined: there is none.
 */
export async function cachedTarget({ cache, target }: TufRepository): Promise<string | undefined> {
  const missing = (): undefined => undefined;
  const bytes = await readFile(join(cache, "targets", target)).catch(missing);
  const targets = await readFile(join(cache, "targets.json")).catch(missing);
  if (bytes === undefined || targets === undefined) return undefined;
  const hashes = fieldOf(fieldOf(signedField(targets, "targets"), target), "hashes");
  const named = ["sha256", "sha512"].flatMap((name) => {
    const hex = text(fieldOf(hashes, name));
    return hex === undefined ? [] : [hash(name, bytes) === hex];
  });
  return named.length > 0 && named.every((fits) => fits) ? bytes.toString("utf8") : undefined;
}

/** When the cached metadata was verified last, in milliseconds since the epoch; undefined: never. */
export async function lastRefresh(repository: TufRepository): Promise<number | undefined> {
  const stamp = await readFile(join(repository.cache, "refreshed"), "utf8").catch(() => "");
  const time = Date.parse(stamp);
  return Number.isNaN(time) ? undefined : time;
}

async function copyCache(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true }).catch(() => undefined);
  // A root.json that is no JSON would make the client fail for ever: it starts from the first root instead.
  const root = await readFile(join(to, "root.json")).catch(() => undefined);
  if (root !== undefined && parseObject(root) === undefined) await rm(join(to, "root.json"));
}

/** Keeps what was verified, and notes when: the target first, the timestamp that makes it count last. */
async function publish(files: string, repository: TufRepository, now: number): Promise<undefined> {
  await mkdir(join(repository.cache, "targets"), { recursive: true });
  const verified = new Map<string, Buffer>();
  for (const name of [`targets/${repository.target}`, ...metadata]) {
    const bytes = await readFile(join(files, name));
    const kept = await readFile(join(repository.cache, name)).catch(() => undefined);
    // Another process was faster and has newer ones: they stay, all of them, since they belong together.
    if (kept !== undefined && versionOf(kept) > versionOf(bytes)) return undefined;
    verified.set(name, bytes);
  }
  for (const [name, bytes] of verified) await replace(join(repository.cache, name), bytes);
  await replace(join(repository.cache, "refreshed"), new Date(now).toISOString());
  return undefined;
}

async function replace(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

async function firstExpiry(files: string): Promise<number> {
  const times = await Promise.all(
    metadata.map(async (name) => signedField(await readFile(join(files, name)), "expires")),
  );
  return Math.min(...times.map((time) => Date.parse(text(time) ?? "")));
}

function versionOf(bytes: Uint8Array): number {
  return Number(signedField(bytes, "version") ?? 0);
}

function signedField(bytes: Uint8Array, name: string): unknown {
  return fieldOf(fieldOf(parseObject(bytes), "signed"), name);
}

/** The innermost reason: the client wraps what went wrong twice. */
function reasonOf(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}
