import { optionalPeer } from "../credentials/optional-peer.ts";
import { abortable, systemClock, withTimeout } from "../registry/deadline.ts";
import { SourceError, shown } from "../source-error.ts";

// What we use of ioredis, which is optional: its types cannot be imported.
interface Client {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect" | "ready", listener: () => void): unknown;
  duplicate(options?: object): Client;
  connect(): Promise<void>;
  disconnect(): void;
  info(): Promise<string>;
  ping(): Promise<unknown>;
}
interface IoRedis {
  readonly Redis: new (address: string, options: object) => Client;
}

export interface LinkOptions {
  /** Host and port for messages. */
  readonly origin: string;
  readonly signal: AbortSignal;
  /** Told what is wrong with Redis, the same once until it is back. */
  readonly onError: (error: Error) => void;
}

/** A connection to a Redis that was there when it was made; it is made anew by itself. */
export interface RedisLink {
  /** For bullmq. It writes nothing to the console by itself. */
  readonly client: unknown;
  /** Tells `onError` of an error, unless that was told since Redis was there last. */
  readonly tell: (cause: Error) => void;
  /**
   * What `work` comes to; it is done again when Redis fails at it. Throws `SourceError` `unavailable` after `timeoutMs` of
   * failing, `unauthorized` when Redis refuses, and the reason of `signal` as soon as that is aborted.
   */
  readonly insist: <T>(work: () => Promise<T>, limit: InsistLimit) => Promise<T>;
  /** Resolves when Redis does not answer, or `signal` is aborted. */
  readonly lost: (signal: AbortSignal) => Promise<void>;
  /** Ends at once what is under way. */
  readonly end: () => void;
}

interface InsistLimit {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** For the first answer, in all. */
const reachMs = 10_000;
/** An answer that takes longer is none, and its connection hangs. A worker waits for work up to 10 s in one command. */
const answerMs = 15_000;
/** Whoever ends waits less. */
const pingMs = 2000;
const retryMs = 200;

/** Host and port of a Redis. Throws `SourceError` `misuse` for what is no address; no message has the password. */
export function redisOrigin(address: string): string {
  const url = typeof address === "string" && URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^rediss?:$/.test(url.protocol)) return url.host;
  // What stands before the last @ may be a password, however it is written.
  const text = String(address);
  const origin = shown(text.slice(text.lastIndexOf("@") + 1).replace(/[?#].*/s, ""));
  const message = `\`${origin}\` is no address of a Redis: write \`redis://host:port\``;
  throw new SourceError("misuse", message, { origin });
}

/** Connects. Throws `SourceError` when Redis is not there, refuses, or is no Redis that will do. */
export async function openRedis(address: string, options: LinkOptions): Promise<RedisLink> {
  const { Redis } = (await optionalPeer("ioredis", "a scan by several workers")) as IoRedis; // its documented exports
  const warning = unfit(await firstInfo(Redis, address, options), options.origin);
  if (warning !== undefined) options.onError(warning);
  const { tell, forget } = teller(options);
  const clients: Client[] = [];
  let ended = false;
  /** For the copies that bullmq makes, too: some of them it lets go while they connect. */
  const watch = (client: Client): Client => {
    clients.push(client);
    client.on("error", tell);
    client.on("connect", () => ended && client.disconnect());
    client.on("ready", forget);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (changes) => watch(duplicate(changes));
    return client;
  };
  const client = watch(
    new Redis(address, {
      commandTimeout: answerMs,
      // Nothing is given up here: `insist` does that.
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => (ended ? null : Math.min(times * 100, 2000)),
    }),
  );
  return {
    client,
    tell,
    insist: (work, limit) => insist(work, { ...limit, origin: options.origin, tell }),
    lost: (signal) => lost(client, signal),
    end() {
      ended = true;
      for (const one of clients) one.disconnect();
    },
  };
}

/** Tells each thing once until `forget`. */
function teller({ origin, onError }: LinkOptions): {
  readonly tell: RedisLink["tell"];
  readonly forget: () => void;
} {
  const told = new Set<string>();
  return {
    forget: () => told.clear(),
    tell(cause) {
      const error = failure(origin, cause);
      // The same of several items is the same.
      const what = error.message.replace(/[0-9a-f]{16,}/g, "");
      if (told.has(what)) return;
      if (told.size >= 100) told.clear();
      told.add(what);
      onError(error);
    },
  };
}

/** What Redis says of itself. Waits for one that is reading its data from the disk. */
async function firstInfo(
  Redis: IoRedis["Redis"],
  address: string,
  { origin, signal }: LinkOptions,
): Promise<string> {
  const client = new Redis(address, {
    ...{ lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null, maxRetriesPerRequest: 0 },
  });
  let first: Error | undefined;
  client.on("error", (error) => {
    first ??= error;
  });
  try {
    return await withTimeout({ signal, milliseconds: reachMs, origin }, async (within) => {
      await abortable(client.connect(), within);
      for (;;) {
        const info = await abortable(client.info(), within);
        if (fieldOf(info, "loading") !== "1") return info;
        await systemClock.sleep(retryMs, within);
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    throw failure(origin, first ?? error);
  } finally {
    client.disconnect();
  }
}

async function insist<T>(
  work: () => Promise<T>,
  { timeoutMs, signal, origin, tell }: InsistLimit & Pick<LinkOptions, "origin"> & Pick<RedisLink, "tell">,
): Promise<T> {
  const until = Date.now() + timeoutMs;
  let last: SourceError | undefined;
  for (;;) {
    signal.throwIfAborted();
    const milliseconds = until - Date.now();
    if (last !== undefined && milliseconds <= 0) throw last;
    try {
      return await withTimeout({ signal, milliseconds, origin }, (within) => abortable(work(), within));
    } catch (cause) {
      signal.throwIfAborted();
      // What Redis said before says more than that it says nothing now.
      const error = isTimeout(cause) && last !== undefined ? last : failure(origin, cause);
      if (error.code === "unauthorized") throw error;
      last = error;
      tell(error);
    }
    await systemClock.sleep(retryMs, signal);
  }
}

async function lost(client: Client, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await withTimeout({ signal, milliseconds: pingMs, origin: "" }, (within) =>
        abortable(client.ping(), within),
      );
      await systemClock.sleep(retryMs, signal);
    }
  } catch {
    // No answer: whatever the reason is.
  }
}

/** Throws for what is no Redis that bullmq can use; returns what is to be said of one that may lose items. */
function unfit(info: string, origin: string): Error | undefined {
  const version = fieldOf(info, "redis_version");
  if (version !== undefined && Number.parseInt(version, 10) < 5) {
    const message = `the Redis at \`${origin}\` is version ${shown(version)}: 5 or later is needed`;
    throw new SourceError("unsupported", message, { origin });
  }
  const policy = fieldOf(info, "maxmemory_policy") ?? "noeviction";
  if (policy === "noeviction") return undefined;
  const message = `the Redis at \`${origin}\` drops items when its memory is full (maxmemory-policy \`${shown(policy)}\`): what it loses is judged again; set \`noeviction\``;
  return new SourceError("misuse", message, { origin });
}

function fieldOf(info: string, name: string): string | undefined {
  const line = String(info)
    .split(/\r?\n/)
    .find((one) => one.startsWith(`${name}:`));
  return line?.slice(name.length + 1);
}

const refusals = /NOAUTH|WRONGPASS|NOPERM|invalid password|invalid username-password/;

function failure(origin: string, cause: unknown): SourceError {
  if (cause instanceof SourceError && !isTimeout(cause)) return cause;
  if (!refusals.test(textOf(cause))) return unavailable(origin, cause);
  const message = `the Redis at \`${origin}\` refuses: ${textOf(cause)}; give a user and password that may, as in \`redis://user:password@host:port\``;
  return new SourceError("unauthorized", message, { origin, cause });
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof SourceError && cause.code === "timeout";
}

function unavailable(origin: string, cause: unknown): SourceError {
  const why = isTimeout(cause) ? "it does not answer in time" : textOf(cause);
  const message = `the Redis at \`${origin}\` cannot be used: ${why}; see that it runs and that the address is right`;
  return new SourceError("unavailable", message, { origin, cause });
}

function textOf(cause: unknown): string {
  return shown(cause instanceof Error ? cause.message : String(cause));
}
