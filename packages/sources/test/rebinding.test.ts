import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { parseImageReference } from "@assay/image";
import { type RegistryOptions, registryFetch, registrySource } from "@assay/sources/registry";
import { afterEach, describe, expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry } from "./fixtures.ts";

const pem = (name: string) => readFileSync(new URL(`../testdata/tls/${name}`, import.meta.url), "utf8");
const ca = pem("ca.pem");
const publicAddress = "93.184.216.34";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Inside {
  readonly port: number;
  /** Connections that reached it, whatever became of them. */
  readonly connections: number;
}

/** Something in our own network that a registry wants us to ask. */
async function inside(answer: RequestListener = () => {}): Promise<Inside> {
  let connections = 0;
  const server = createServer({ cert: pem("server.pem"), key: pem("server.key") }, answer);
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
  };
}

/** The DNS of somebody who says one thing when he is asked first, and another when it counts. */
function rebinding(): NonNullable<RegistryOptions["resolve"]> {
  let asked = 0;
  return async () => [asked++ === 0 ? publicAddress : "127.0.0.1"];
}

// Real sockets: had the check been believed, the connection would have been made.
describe.each([
  ["no fetch", () => ({})],
  ["registryFetch", () => ({ fetch: registryFetch({ ca }) })],
] as const)("a name that means a private address by the time it is connected to: %s", (_, options) => {
  test("a token realm is not asked", async () => {
    const target = await inside();
    const realm = `https://auth.rebind.example:${target.port}/token`;
    const registry = await fixtureRegistry("tags", { auth: { kind: "bearer", realm } });
    const running = await registry.listen();
    open.push(() => running.close());
    const source = registrySource({ ...options(), resolve: rebinding(), retry: { attempts: 1 } });
    const image = parseImageReference(`${new URL(running.url).host}/acme/key-ecdsa:v1`);
    expect(await ask<"digest">(source, { kind: "digest", image })).toMatchObject({
      failure: { code: "unauthorized", status: 401, message: expect.stringContaining("is at 127.0.0.1") },
    });
    expect(target.connections).toBe(0);
  });

  test("a redirect is not followed", async () => {
    const target = await inside();
    const registry = await fixtureRegistry("tags");
    const location = `https://cdn.rebind.example:${target.port}/blob`;
    registry.inject({ path: "/blobs/", effect: { kind: "status", status: 307, headers: { location } } });
    const running = await registry.listen();
    open.push(() => running.close());
    const source = registrySource({ ...options(), resolve: rebinding(), retry: { attempts: 1 } });
    const repository = `${new URL(running.url).host}/acme/key-ecdsa`;
    const digest = await digestAt(source, `${repository}:v1`);
    expect(await ask<"signatureTag">(source, { kind: "signatureTag", repository, digest })).toMatchObject({
      failure: { code: "unavailable", status: 307, message: expect.stringContaining("is at 127.0.0.1") },
    });
    expect(target.connections).toBe(0);
  });
});

test("a process that sends everything through a proxy goes on doing so", async () => {
  const { EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } = await import("undici");
  const seen: string[] = [];
  const proxy = createHttpServer();
  proxy.on("connect", (incoming, socket) => {
    seen.push(incoming.url ?? "");
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  open.push(() => new Promise((resolve) => proxy.close(resolve)));
  const realm = "https://auth.public.example/token";
  const registry = await fixtureRegistry("tags", { auth: { kind: "bearer", realm } });
  const running = await registry.listen();
  open.push(() => running.close());
  const before = getGlobalDispatcher();
  const httpsProxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  setGlobalDispatcher(new EnvHttpProxyAgent({ httpsProxy, noProxy: "127.0.0.1" }));
  try {
    const source = registrySource({ resolve: async () => [publicAddress], retry: { attempts: 1 } });
    const image = parseImageReference(`${new URL(running.url).host}/acme/key-ecdsa:v1`);
    expect(await ask<"digest">(source, { kind: "digest", image })).toMatchObject({ ok: false });
  } finally {
    setGlobalDispatcher(before);
  }
  expect(seen).toEqual(["auth.public.example:443"]);
});
