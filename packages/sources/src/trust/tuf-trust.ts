import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Answer, FetchOptions, TrustLookup, TrustSource } from "@assay/engine";
import { amount, type Check, callable, checkOptions, words } from "../check-options.ts";
import { abortable } from "../registry/deadline.ts";
import { failureOf, SourceError, shownAddress } from "../source-error.ts";
import { cachedTarget, lastRefresh, readTufCache, refreshTuf, type TufRepository } from "./tuf-refresh.ts";

export interface TufOptions {
  /** Default: Sigstore's public good instance. */
  readonly mirror?: string;
  /** Text of the repository's first trusted `root.json`. Needed for every mirror but the default. */
  readonly root?: string;
  /** Default `trusted_root.json`. */
  readonly target?: string;
  /** Where verified metadata is kept between starts. Default `assay/tuf` in `$XDG_CACHE_HOME` or `~/.cache`. */
  readonly cacheDirectory?: string;
  /** How long metadata is used before it is refreshed in the background. Default 24 hours. */
  readonly refreshMs?: number;
  /**
   * What to do when the metadata has expired and the mirror cannot be reached: `refuse` (default), or `use` the last
   * root, which is for machines that are cut off on purpose and says so in every answer.
   */
  readonly expired?: "refuse" | "use";
  /** Milliseconds for one request to the mirror. Default 5 s. */
  readonly timeoutMs?: number;
  /** How often a failed request is repeated. Default 2. */
  readonly retries?: number;
  /** Default `Date.now`. */
  readonly now?: () => number;
}

const known: Readonly<Record<keyof TufOptions, Check>> = {
  ...{ mirror: words, root: words, target: words, cacheDirectory: words },
  ...{ refreshMs: amount, timeoutMs: amount, retries: amount, now: callable },
  expired: [(value) => value === "refuse" || value === "use", "`refuse` or `use`"],
};

interface Root {
  readonly json: string;
  readonly refreshed: number;
  readonly expires: number;
  readonly remark: string | undefined;
}

/** How long a mirror that failed is left alone. */
const restMs = 10_000;
const publicGoodMirror = "https://tuf-repo-cdn.sigstore.dev";

/**
 * The trust root of a TUF repository, loaded when it is first needed: from the cache where that has not expired
 * (no request, so a start without network works), and refreshed in the background when it is a day old. A failed refresh
 * never replaces or extends what is there: once its metadata expires, the root is `unavailable`.
 *
 * Throws `SourceError` `misuse` for an option that does not exist or is none: without its mirror the default is trusted.
 *
 * Answers for every name; give it a name with `trustRoots({ name: { source: tufTrust(…) } })`.
 */
export function tufTrust(options: TufOptions = {}): TrustSource {
  checkOptions(options, known);
  const repository = repositoryOf(options);
  const holder = rootHolder(repository, options.refreshMs ?? 86_400_000, options.now ?? Date.now);

  async function expiredRoot(error: unknown): Promise<Root> {
    const text =
      options.expired === "use" ? (holder.last()?.json ?? (await cachedTarget(repository))) : undefined;
    if (text === undefined) throw withAdvice(error);
    const remark = "its metadata has EXPIRED and is used because `expired: use` says so";
    return { json: text, refreshed: (await lastRefresh(repository)) ?? 0, expires: 0, remark };
  }

  return {
    async fetch(_lookup: TrustLookup, { signal }: FetchOptions): Promise<Answer<"trustRoot">> {
      signal.throwIfAborted();
      try {
        const root = await abortable(holder.current().catch(expiredRoot), signal);
        return { ok: true, value: { json: root.json }, notes: notesOn(root, repository, holder.problem()) };
      } catch (error) {
        signal.throwIfAborted();
        return { ok: false, failure: failureOf(error) };
      }
    },
  };
}

interface RootHolder {
  /** The root, if need be after loading it. Rejects with a `SourceError`. */
  current(): Promise<Root>;
  /** The last root, whatever its age. */
  last(): Root | undefined;
  /** Why the last refresh failed. */
  problem(): unknown;
}

/** Holds the root, loads it once at a time, and leaves a mirror that failed alone for a while. */
function rootHolder(repository: TufRepository, refreshMs: number, now: () => number): RootHolder {
  let root: Root | undefined;
  let refreshing: Promise<Root> | undefined;
  let problem: { readonly error: unknown; readonly time: number } | undefined;

  async function refresh(cacheFirst: boolean): Promise<Root> {
    try {
      root = await load(repository, cacheFirst, now);
      problem = undefined;
      return root;
    } catch (error) {
      problem = { error, time: now() };
      throw error;
    } finally {
      refreshing = undefined;
    }
  }

  return {
    last: () => root,
    problem: () => problem?.error,
    async current() {
      const rests = problem !== undefined && now() - problem.time < Math.min(restMs, refreshMs);
      if (root === undefined || now() >= root.expires) {
        // A mirror that was unreachable a moment ago is not waited for again by every evaluation.
        if (rests && refreshing === undefined) throw problem?.error;
        refreshing ??= refresh(root === undefined);
        root = await refreshing;
      }
      // In the background: its failure is told with the next answer, and the root stays what it was.
      if (now() - root.refreshed >= refreshMs && !rests && refreshing === undefined) {
        refreshing = refresh(false);
        refreshing.catch(() => undefined);
      }
      return root;
    },
  };
}

async function load(repository: TufRepository, cacheFirst: boolean, now: () => number): Promise<Root> {
  const before = cacheFirst ? await lastRefresh(repository) : undefined;
  if (before !== undefined) {
    const cached = await readTufCache(repository).catch(() => undefined);
    if (cached !== undefined)
      return { json: cached.text, refreshed: before, expires: cached.expires, remark: undefined };
  }
  const { text, expires, notKept } = await refreshTuf(repository, now());
  return {
    json: text,
    refreshed: now(),
    expires,
    remark: notKept && `it could not be kept for the next start: ${notKept}`,
  };
}

function repositoryOf(options: TufOptions): TufRepository {
  const mirror = (options.mirror ?? publicGoodMirror).replace(/\/+$/, "");
  const origin = shownAddress(mirror);
  if (!URL.canParse(mirror)) throw new SourceError("misuse", `\`${origin}\` is no address`, { origin });
  if (mirror !== publicGoodMirror && options.root === undefined) {
    throw new SourceError("misuse", `TUF mirror \`${origin}\` needs its first \`root.json\``, { origin });
  }
  const { host, pathname, username, password } = new URL(mirror);
  if (username !== "" || password !== "") {
    const message = `TUF mirror \`${origin}\` cannot be asked with a user and a password in its address`;
    throw new SourceError("misuse", message, { origin });
  }
  // Another first root is another repository, even behind the same address.
  const rooted =
    options.root === undefined
      ? ""
      : `-${createHash("sha256").update(options.root).digest("hex").slice(0, 16)}`;
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const target = options.target ?? "trusted_root.json";
  if (!/^[A-Za-z0-9._-]+$/.test(target)) {
    throw new SourceError("misuse", `\`${target}\` is no name of a target`, { origin });
  }
  return {
    mirror,
    root: options.root,
    target,
    cache: join(
      options.cacheDirectory ?? join(base, "assay", "tuf"),
      encodeURIComponent(host + pathname) + rooted,
    ),
    timeoutMs: options.timeoutMs ?? 5000,
    retries: options.retries ?? 2,
  };
}

function notesOn(root: Root, repository: TufRepository, problem: unknown): readonly string[] {
  const notes = [
    `trust root from TUF mirror \`${repository.mirror}\`, refreshed ${new Date(root.refreshed).toISOString()}` +
      (root.expires > 0 ? `, metadata expires ${new Date(root.expires).toISOString()}` : ""),
  ];
  if (root.remark !== undefined) notes.push(root.remark);
  if (problem instanceof Error) notes.push(`the last refresh failed: ${problem.message}`);
  return notes;
}

function withAdvice(error: unknown): unknown {
  if (!(error instanceof SourceError)) return error;
  const message = `${error.message}; without network, give a trusted root file or run once where the mirror can be reached`;
  return new SourceError(error.code, message, { origin: error.origin, cause: error });
}
