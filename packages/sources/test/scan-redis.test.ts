import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { queuedScan, scanWorker } from "@assay/sources/fleet";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

// A Redis that is away, hangs or is none. With a real one: `bench/fleet.ts`.

const items = [1, 2, 3];
const key = String;
const evaluate = async (item: number) => item;

/** A server that does `act` with each connection. */
async function serve(act: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    act(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `redis://user:geheim@127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers as a Redis does as far as it is asked before there is work; then it does not answer. */
function greet(info: string): (socket: Socket) => void {
  return (socket) => {
    socket.on("data", (bytes) => {
      for (const command of String(bytes).split(/(?=^\*\d+\r$)/m)) {
        if (/\r\ninfo\r\n/i.test(command)) socket.write(`$${info.length}\r\n${info}\r\n`);
        else if (/\r\n(auth|client|select)\r\n/i.test(command)) socket.write("+OK\r\n");
      }
    });
  };
}

const console = globalThis.console;
const written = vi.fn();
beforeEach(() => {
  for (const name of ["error", "warn", "log"] as const) vi.spyOn(console, name).mockImplementation(written);
});
afterEach(() => {
  vi.restoreAllMocks();
  // bullmq and ioredis would write to the console.
  expect(written).not.toHaveBeenCalled();
});

const bodies: readonly [string, (socket: Socket) => void][] = [
  ["accepts and never answers", (socket) => void socket.resume()],
  ["answers with a byte now and then", (socket) => void setInterval(() => socket.write("+"), 20).unref()],
  ["greets and never answers again", greet("redis_version:7.2.0\r\nloading:0")],
  ["reads its data for ever", greet("redis_version:7.2.0\r\nloading:1")],
];

describe.each(bodies)("a Redis that %s", (_, act) => {
  test("ends a scan when it is aborted, with the reason", async () => {
    const redis = await serve(act);
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(new Error("stopped")), 150);
    const scanned = queuedScan({ redis, items, key, signal: stopping.signal });
    await expect(scanned).rejects.toThrow("stopped");
  });
});

test.each(bodies.filter(([name]) => !name.startsWith("greets")))(
  "a Redis that %s ends the start of a worker when it is aborted",
  async (_, act) => {
    const redis = await serve(act);
    const signal = AbortSignal.timeout(150);
    await expect(scanWorker({ redis, evaluate, signal })).rejects.toThrow("timeout");
  },
);

test.each<[string, (socket: Socket) => void, string]>([
  ["hangs up", (socket) => void socket.end(), "unavailable"],
  ["resets", (socket) => void socket.resetAndDestroy(), "unavailable"],
  ["is a web server", (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), "unavailable"],
  ["is old", greet("redis_version:4.0.9\r\nloading:0"), "unsupported"],
  [
    "refuses the password",
    (socket) =>
      void socket.on("data", () => void socket.write("-WRONGPASS invalid username-password pair\r\n")),
    "unauthorized",
  ],
])("a Redis that %s is named without its password, and what is to be done", async (_, act, code) => {
  const redis = await serve(act);
  const origin = new URL(redis).host;
  const { signal } = new AbortController();
  for (const begun of [queuedScan({ redis, items, key, signal }), scanWorker({ redis, evaluate })]) {
    const error = await begun.then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ name: "SourceError", code, origin });
    expect(error?.message).toContain(`the Redis at \`${origin}\``);
    expect(error?.message).toMatch(/; see that|: 5 or later|; give a user/);
    expect(error?.message).not.toContain("geheim");
  }
});

test("a Redis that hangs midway ends a scan after its time, and a worker can be closed", async () => {
  const redis = await serve(greet("redis_version:7.2.0\r\nloading:0"));
  const { signal } = new AbortController();
  const told: string[] = [];
  const onError = ({ message }: Error): void => void told.push(message);
  const scanned = queuedScan({ redis, items, key, signal, timeoutMs: 300, onError });
  await expect(scanned).rejects.toMatchObject({ code: "unavailable" });
  const worker = await scanWorker({ redis, evaluate, onError });
  await worker.close();
  await worker.close();
  // Nothing goes on that would keep the process: it asked every 20 ms whether the worker had finished.
  const set = vi.spyOn(globalThis, "setTimeout");
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const waited = set.mock.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(set.mock.calls.length).toBe(waited + 1);
});

test("a Redis that may drop items is told of", async () => {
  const redis = await serve(greet("redis_version:7.2.0\r\nloading:0\r\nmaxmemory_policy:allkeys-lru"));
  const told: string[] = [];
  const onError = ({ message }: Error): void => void told.push(message);
  await (await scanWorker({ redis, evaluate, onError })).close();
  expect(told[0]).toContain("maxmemory-policy `allkeys-lru`");
});

test.each([
  "redis://:ge/heim@host",
  "redis://user:geheim@host:port",
  "http://u:geheim@h",
  "rediss//:geheim@h",
])("a password in what is no address is not shown: %s", async (redis) => {
  const { signal } = new AbortController();
  const error = await queuedScan({ redis, items, key, signal }).catch((thrown: Error) => thrown);
  expect(String(error)).toContain("is no address of a Redis");
  expect(String(error)).not.toMatch(/geheim|ge\/heim/);
});
