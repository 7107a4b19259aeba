import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { parseImageReference } from "@assay/image";
import { registrySource } from "@assay/sources/registry";
import { afterEach, describe, expect, test, vi } from "vitest";
import { nodeWire, RefusedAddress } from "../src/registry/node-wire.ts";
import { fetchWire, type Wire, type WireAnswer } from "../src/registry/wire.ts";
import { ask } from "./fixtures.ts";

const pem = (name: string) => readFileSync(new URL(`../testdata/tls/${name}`, import.meta.url), "utf8");
const secureContext = createSecureContext({ ca: pem("ca.pem") });

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const secure = (answer: RequestListener) =>
  listening(createServer({ cert: pem("server.pem"), key: pem("server.key") }, answer));
const plain = (answer: RequestListener) => listening(createHttpServer(answer));

const get = (address: string, signal = AbortSignal.timeout(10_000)) =>
  ({ url: new URL(address), method: "GET", headers: {}, signal }) as const;

async function textOf({ body }: WireAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const otherProtocol = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";

const wires: readonly (readonly [string, Wire])[] = [
  ["Node's client", nodeWire({})],
  ["a fetch", fetchWire(globalThis.fetch)],
];

describe.each(wires)("%s", (_, wire) => {
  test("sends what is asked and gives what was answered, as it came", async () => {
    const port = await plain(async (request, response) => {
      const sent: Buffer[] = [];
      for await (const chunk of request) sent.push(chunk);
      const [method, { accept }] = [request.method, request.headers];
      response.writeHead(307, { location: "/there", "x-said": ["one", "two"], "content-encoding": "gzip" });
      response.end(`${method} ${request.url} ${accept} ${Buffer.concat(sent)}`);
    });
    const url = new URL(`http://127.0.0.1:${port}/a%2Fb?c`);
    const { signal } = get(url.href);
    const headers = { accept: "x/y", "accept-encoding": "identity" };
    const answer = await wire({ url, method: "POST", headers, body: "form", signal });
    expect([answer.status, answer.headers.get("location"), answer.headers.get("x-said")]).toEqual([
      307,
      "/there",
      "one, two",
    ]);
    expect([answer.headers.get("constructor"), answer.headers.get("etag")]).toEqual([null, null]);
    if (wire === wires[0]?.[1]) expect(await textOf(answer)).toBe("POST /a%2Fb?c x/y form");
    else answer.cancel();
  });

  test("an answer without body has none", async () => {
    const port = await plain((_request, response) => response.writeHead(204).end());
    expect(await textOf(await wire(get(`http://127.0.0.1:${port}/`)))).toBe("");
  });

  test("ends when its signal does, also in the middle of a body", async () => {
    const port = await plain((_request, response) => response.writeHead(200).write("begun"));
    const controller = new AbortController();
    const body = textOf(await wire(get(`http://127.0.0.1:${port}/`, controller.signal)));
    controller.abort();
    await expect(body).rejects.toThrow();
    await expect(wire(get(`http://127.0.0.1:${port}/`, controller.signal))).rejects.toThrow();
  });

  test("an answer that is cut off is none", async () => {
    const port = await plain((_request, response) => {
      response.writeHead(200, { "content-length": 100 }).write("begun", () => response.destroy());
    });
    await expect(wire(get(`http://127.0.0.1:${port}/`)).then(textOf)).rejects.toThrow();
  });

  test("who wants to speak another protocol has not answered", async () => {
    const port = await plain((_request, { socket }) => socket?.end(otherProtocol));
    await expect(wire(get(`http://127.0.0.1:${port}/`))).rejects.toThrow();
  });

  test.each(["break", "cancel"])("who leaves an endless answer by %s ends its connection", async (how) => {
    const ended = new EventEmitter();
    const closed = once(ended, "close");
    const port = await plain((_request, response) => {
      response.on("close", () => ended.emit("close"));
      response.writeHead(200).write("begun");
    });
    const answer = await wire(get(`http://127.0.0.1:${port}/`));
    if (how === "cancel") answer.cancel();
    else for await (const _chunk of answer.body) break;
    await closed;
  });
});

describe("Node's client", () => {
  test("connections are used again", async () => {
    const sockets = new Set<Socket>();
    const port = await plain((request, response) => {
      sockets.add(request.socket);
      response.end("yes");
    });
    const nodes = nodeWire({});
    for (const _ of [1, 2, 3]) await textOf(await nodes(get(`http://127.0.0.1:${port}/`)));
    expect(sockets.size).toBe(1);
  });

  test("a kept connection that the other side has closed is no failure: the request goes out again", async () => {
    let requests = 0;
    const port = await plain((request, response) => {
      requests++;
      // The second one comes while the connection is being closed.
      if (requests === 2) request.socket.resetAndDestroy();
      else response.end(`${requests}`);
    });
    const wire = nodeWire({});
    expect(await textOf(await wire(get(`http://127.0.0.1:${port}/`)))).toBe("1");
    expect(await textOf(await wire(get(`http://127.0.0.1:${port}/`)))).toBe("3");
  });

  test("a connection of one's own that is closed is one", async () => {
    let requests = 0;
    const port = await plain((request) => {
      requests++;
      request.socket.resetAndDestroy();
    });
    await expect(nodeWire({})(get(`http://127.0.0.1:${port}/`))).rejects.toThrow("ECONNRESET");
    expect(requests).toBe(1);
  });

  test("a certificate of nobody's is refused, whatever the environment says", async () => {
    const port = await secure((_request, response) => response.end());
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await expect(nodeWire({})(get(`https://localhost:${port}/`))).rejects.toThrow(/certificate/);
    } finally {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    }
  });
});

describe("Node's client that looks at addresses", () => {
  const anywhere = (resolve: () => Promise<readonly string[]>) =>
    nodeWire({
      secureContextFor: () => secureContext,
      check: { resolve, refuses: (address) => address === "10.0.0.1" },
    });

  test("connects to the address that was resolved", async () => {
    const port = await secure((request, response) => response.end(request.headers.host));
    // The certificate is for this name, which is not asked of the system.
    const names: string[] = [];
    const resolve = async (name: string): Promise<readonly string[]> => {
      names.push(name);
      return ["127.0.0.1"];
    };
    const wire = nodeWire({
      secureContextFor: (host) => (host === `localhost:${port}` ? secureContext : undefined),
      check: { resolve, refuses: () => false },
    });
    expect(await textOf(await wire(get(`https://localhost:${port}/`)))).toBe(`localhost:${port}`);
    expect(names).toEqual(["localhost"]);
  });

  test.each([
    ["a private address among others", "https://cdn.example/", ["127.0.0.1", "10.0.0.1"], RefusedAddress],
    ["an address in the place of a name", "https://10.0.0.1/", [], RefusedAddress],
    ["no address", "https://cdn.example/", [], Error],
    ["no address but words", "https://cdn.example/", ["localhost"], Error],
  ])("%s is not connected to", async (_, url, addresses, error) => {
    await expect(anywhere(async () => addresses)(get(url))).rejects.toThrow(error);
  });

  test("plain http is not spoken", async () => {
    await expect(anywhere(async () => [])(get("http://127.0.0.1/"))).rejects.toThrow(/protocol/i);
  });
});

describe("without settings", () => {
  afterEach(() => vi.unstubAllGlobals());
  const image = parseImageReference("registry.example/acme/app:v1");

  test("a fetch that somebody has put in the place of Node's is used, also by a source made before", async () => {
    const source = registrySource({ retry: { attempts: 1 } });
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (url: URL) => {
      asked.push(url.href);
      return new Response(null, { status: 404 });
    });
    expect(await ask<"digest">(source, { kind: "digest", image })).toMatchObject({
      failure: { code: "notFound" },
    });
    expect(asked).toEqual(["https://registry.example/v2/acme/app/manifests/v1"]);
  });
});

test("a redirect whose text is cut off is a redirect all the same", async () => {
  const manifest = JSON.stringify({ schemaVersion: 2, config: {}, layers: [] });
  const port = await plain((request, response) => {
    if (request.url === "/there") return response.end(manifest);
    response.writeHead(307, { location: "/there", "content-length": 100 });
    return response.write("Moved", () => response.destroy());
  });
  const source = registrySource({ retry: { attempts: 1 } });
  const image = parseImageReference(`127.0.0.1:${port}/acme/app:v1`);
  expect((await ask<"digest">(source, { kind: "digest", image })).requests).toBe(2);
});

test("a registry that wanted to speak another protocol for a while is asked again afterwards", async () => {
  let isMad = true;
  const port = await plain((_request, response) => {
    if (isMad) response.socket?.end(otherProtocol);
    else response.end(JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }));
  });
  const source = registrySource({ retry: { attempts: 1 }, concurrency: 2 });
  const image = parseImageReference(`127.0.0.1:${port}/acme/app:v1`);
  const lookup = { kind: "digest", image } as const;
  for (let i = 0; i < 3; i++) {
    const answer = await source.fetch<"digest">(lookup, { signal: AbortSignal.timeout(2000) });
    expect(answer).toMatchObject({ ok: false, failure: { code: "unavailable" } });
  }
  isMad = false;
  expect((await ask<"digest">(source, lookup)).ok).toBe(true);
});
