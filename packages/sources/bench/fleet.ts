// A scan of generated images on loopback: in one process, and (with ASSAY_REDIS_SERVER) by 1, 2 and 4 workers on a real
// Redis, one of them killed in the middle, then Redis itself. `node --conditions=assay:source bench/fleet.ts [IMAGES]`. Exit 1: a wrong verdict.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseDigest } from "@assay/image";
import { redisCache } from "@assay/sources/cache";
import { queuedScan, type ScanOutcome, type ScanProgress, scan, scanWorker } from "@assay/sources/fleet";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { type Fleet, imageJudge } from "./judge-image.ts";

const count = Number(process.argv[2] ?? 10_000);
const { signal } = new AbortController();
let passed = 0;
let failed = 0;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function check(name: string, ok: boolean): void {
  if (ok) passed++;
  else failed++;
  say(`${ok ? "ok  " : "FAIL"} ${name}`);
}

function start(script: string, args: readonly string[]): ChildProcess {
  const path = new URL(script, import.meta.url).pathname;
  return fork(path, args, {
    execArgv: ["--conditions=assay:source", "--disable-warning=ExperimentalWarning"],
  });
}

async function startRegistry(): Promise<{ readonly fleet: Fleet; readonly process: ChildProcess }> {
  const child = start("./registry-process.ts", [String(count)]);
  const [fleet] = await once(child, "message");
  return { fleet, process: child };
}

/** The images, made as they are asked for. */
function* images({ host }: Fleet): Generator<string> {
  for (let i = 0; i < count; i++) yield `${host}/acme/app-${i}:v1`;
}

/** Counts outcomes without keeping them, but for the keys. */
function tally() {
  const seen = new Map<string, number>();
  let wrong = 0;
  return {
    take: (outcome: ScanOutcome<boolean>): void => {
      seen.set(outcome.key, (seen.get(outcome.key) ?? 0) + 1);
      const index = Number(/app-(\d+):/.exec(outcome.key)?.[1]);
      if (!("result" in outcome) || outcome.result !== (index % 100 !== 7)) wrong++;
    },
    check: (name: string): void => {
      check(`${name}: all ${count} images judged`, seen.size === count);
      check(
        `${name}: none judged twice`,
        [...seen.values()].every((times) => times === 1),
      );
      check(`${name}: no wrong verdict`, wrong === 0);
    },
  };
}

async function timed(name: string, work: () => Promise<ScanProgress>): Promise<void> {
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 50);
  const started = performance.now();
  await work();
  clearInterval(watch);
  const seconds = (performance.now() - started) / 1000;
  const megabytes = Math.round(peak / 2 ** 20);
  say(
    `${name}: ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} images/s, peak ${megabytes} MiB in this process`,
  );
}

async function oneProcess(fleet: Fleet): Promise<void> {
  const counted = tally();
  const options = {
    items: images(fleet),
    key: (image: string) => image,
    evaluate: imageJudge(fleet),
    signal,
  };
  await timed("one process", () => scan({ ...options, onOutcome: counted.take }));
  counted.check("one process");
}

async function withWorkers(
  fleet: Fleet,
  redis: string,
  { workers, kill }: { workers: number; kill: boolean },
): Promise<void> {
  const name = `${workers} worker${workers > 1 ? "s" : ""}${kill ? ", one killed midway" : ""}`;
  const started = Array.from({ length: workers }, () =>
    start("./fleet-worker.ts", [redis, fleet.host, fleet.pem]),
  );
  await Promise.all(started.map((worker) => once(worker, "message")));
  const counted = tally();
  const onProgress = ({ done }: ScanProgress): void => {
    if (kill && done === Math.floor(count / 3)) started[0]?.kill("SIGKILL");
  };
  const options = {
    redis,
    items: images(fleet),
    key: (image: string) => image,
    onOutcome: counted.take,
    onProgress,
    signal,
  };
  await timed(name, () => queuedScan<string, boolean>(options));
  counted.check(name);
  for (const worker of started) if (worker.connected) worker.disconnect();
}

/** What workers had ready when a scan was stopped, of which the next one says that it does not hold. */
async function leftOver(redis: string): Promise<void> {
  const name = "left-over";
  let [open, answer] = [(): void => undefined, "old"];
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const worker = await scanWorker<string, string>({
    ...{ redis, name },
    evaluate: (item) => opened.then(() => `${answer} ${item}`),
  });
  const items = ["a", "b", "c"];
  const options = { redis, name, items, key: (item: string) => item };
  const stopped = AbortSignal.timeout(1000);
  await queuedScan<string, string>({ ...options, signal: stopped }).catch(() => undefined);
  open();
  const queue = new Queue(name, { connection: { url: redis } });
  while ((await queue.getJobCounts())["completed"] !== items.length) await setTimeout(20);
  answer = "new";
  const results: string[] = [];
  const onOutcome = (outcome: ScanOutcome<string>): void => {
    results.push("result" in outcome ? outcome.result : outcome.error);
  };
  const reuse = (outcome: ScanOutcome<string>): boolean => outcome.key !== "b";
  await queuedScan<string, string>({ ...options, onOutcome, reuse, signal });
  check(
    "what was ready before is collected, and what of it holds no longer is judged again",
    results.sort().join() === "new b,old a,old c",
  );
  await queue.close();
  await worker.close();
}

async function nothingLeft(redis: string): Promise<void> {
  const queue = new Queue("assay-scan", { connection: { url: redis } });
  const left = Object.values(await queue.getJobCounts()).reduce((sum, jobs) => sum + jobs, 0);
  check("nothing is left in the queue", left === 0);
  await queue.close();
}

/** The shared cache through a real client: what one process put there another one gets, and a lost Redis is passed by. */
async function sharedCache(redis: string): Promise<void> {
  const [one, other] = [new Redis(redis), new Redis(redis)];
  for (const client of [one, other]) client.on("error", () => undefined);
  const bytes = new TextEncoder().encode("a document");
  const digest = parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  await redisCache(one).set(digest, bytes);
  const got = await redisCache(other).get(digest);
  check("shared cache: bytes come back as they were", got !== undefined && Buffer.from(got).equals(bytes));
  one.disconnect();
  check("shared cache: a lost connection is passed by", (await redisCache(one).get(digest)) === undefined);
  other.disconnect();
}

/** Redis goes away in the middle of a scan, and comes back without what it had; then it goes away for good. */
async function redisLost(redis: string, { kill, start }: RedisServer): Promise<void> {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const seen = new Map<string, number>();
  const onOutcome = ({ key }: ScanOutcome<number>): void => void seen.set(key, (seen.get(key) ?? 0) + 1);
  const options = { redis, name: "lost", items, key: String, onOutcome };
  const worker = await scanWorker<number, number>({ redis, name: "lost", evaluate: async (item) => item });
  const onProgress = ({ done }: ScanProgress): void => {
    if (done === 400) void kill().then(start);
  };
  const { done } = await queuedScan<number, number>({ ...options, onProgress, signal });
  check("Redis restarted midway: all items judged", done === items.length && seen.size === items.length);
  check(
    "Redis restarted midway: none told twice",
    [...seen.values()].every((times) => times === 1),
  );
  const stopping = new AbortController();
  const [stopped, ended] = [
    queuedScan<number, number>({ ...options, signal: stopping.signal }),
    queuedScan<number, number>({ ...options, name: "nobody", signal, timeoutMs: 2000 }),
  ].map((scanned) => scanned.then(String, (error: Error) => error.message));
  await setTimeout(500);
  await kill();
  await setTimeout(500);
  stopping.abort(new Error("stopped"));
  check("Redis away: a scan ends when it is stopped", (await stopped) === "stopped");
  check("Redis away: a scan ends after its time", (await ended)?.includes("cannot be used") === true);
  await worker.close();
  check("Redis away: a worker can be closed", true);
}

interface RedisServer {
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

async function withRedis(
  binary: string,
  work: (address: string, server: RedisServer) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "assay-redis-"));
  const port = await freePort();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory];
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(binary, [...options, "--maxmemory-policy", "noeviction"], { stdio: "ignore" });
    await setTimeout(500);
  };
  const kill = async (): Promise<void> => {
    const ended = server && once(server, "exit");
    server?.kill("SIGKILL");
    await ended;
  };
  await start();
  try {
    await work(`redis://127.0.0.1:${port}`, { kill, start });
  } finally {
    if (server?.exitCode === null && server.signalCode === null) await kill();
    await rm(directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const registry = await startRegistry();
await oneProcess(registry.fleet);
const binary = process.env["ASSAY_REDIS_SERVER"];
if (binary === undefined) {
  say("not run: workers on Redis (ASSAY_REDIS_SERVER names no redis-server)");
} else {
  await withRedis(binary, async (redis, server) => {
    for (const workers of [1, 2, 4]) await withWorkers(registry.fleet, redis, { workers, kill: false });
    await withWorkers(registry.fleet, redis, { workers: 4, kill: true });
    await leftOver(redis);
    await nothingLeft(redis);
    await sharedCache(redis);
    await redisLost(redis, server);
  });
}
registry.process.disconnect();
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
