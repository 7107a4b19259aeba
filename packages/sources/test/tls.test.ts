import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type Server as HttpServer, request } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { parseImageReference } from "@assay/image";
import { type RegistryFetchOptions, registryFetch, registrySource } from "@assay/sources/registry";
import type { RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, fixtureRegistry, summary } from "./fixtures.ts";

const pem = (name: string) => readFileSync(new URL(`../testdata/tls/${name}`, import.meta.url), "utf8");
const ca = pem("ca.pem");
const client = { cert: pem("client.pem"), key: pem("client.key") };

interface Server {
  readonly host: string;
  readonly seen: string[];
  close(): Promise<unknown>;
}

let upstream: RunningServer;
let tls: Server;
let mutual: Server;
let proxy: Server;

function closed(server: HttpServer): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** TLS in front of the registry. `requestCert`: it wants the client's certificate. */
async function tlsServer(requestCert: boolean): Promise<Server> {
  const seen: string[] = [];
  const options = {
    cert: pem("server.pem"),
    key: pem("server.key"),
    ca,
    requestCert,
    rejectUnauthorized: requestCert,
  };
  const server = createServer(options, (incoming, outgoing) => {
    seen.push(incoming.url ?? "");
    const sent = request(`${upstream.url}${incoming.url}`, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    sent.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    seen,
    close: () => closed(server),
  };
}

/** A proxy that only tunnels. */
async function tunnel(): Promise<Server> {
  const seen: string[] = [];
  const server = createHttpServer();
  server.on("connect", (incoming, socket) => {
    seen.push(incoming.url ?? "");
    const [host, port] = (incoming.url ?? "").split(":");
    const to = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      to.pipe(socket).pipe(to);
    });
    for (const end of [to, socket]) end.on("error", () => [to, socket].forEach((one) => void one.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    seen,
    close: () => closed(server),
  };
}

beforeAll(async () => {
  upstream = await (await fixtureRegistry("tags")).listen();
  [tls, mutual, proxy] = await Promise.all([tlsServer(false), tlsServer(true), tunnel()]);
});
afterAll(() => Promise.all([tls.close(), mutual.close(), proxy.close(), upstream.close()]));

async function resolved(host: string, options: RegistryFetchOptions | undefined) {
  const source = registrySource({
    tlsHosts: [host],
    retry: { attempts: 1 },
    ...(options === undefined ? {} : { fetch: registryFetch(options) }),
  });
  return ask<"digest">(source, { kind: "digest", image: parseImageReference(`${host}/acme/key-ecdsa:v1`) });
}

test("a registry with a certificate of an own CA is reached with that CA", async () => {
  expect(summary(await resolved(tls.host, { ca }))).toBe("digest");
});

test.each([
  ["no settings", undefined],
  ["settings without the CA", {}],
])("without the CA it is unavailable, and the message says what to do: %s", async (_, options) => {
  const answer = await resolved(tls.host, options);
  expect(answer).toMatchObject({
    failure: {
      code: "unavailable",
      message: expect.stringContaining("`NODE_EXTRA_CA_CERTS=ca.pem` in the environment"),
    },
  });
});

test("a registry that wants a client certificate gets the one for its host", async () => {
  expect(summary(await resolved(mutual.host, { hosts: { [mutual.host]: { ca, ...client } } }))).toBe(
    "digest",
  );
});

test("a client certificate is not offered to another host", async () => {
  const options = { ca, hosts: { "other.example": { ca, ...client } } };
  expect(summary(await resolved(mutual.host, options))).toBe("unavailable");
});

test("a proxy is used, and TLS goes through it to the registry", async () => {
  expect(summary(await resolved(tls.host, { ca, proxy: `http://${proxy.host}` }))).toBe("digest");
  expect(proxy.seen).toEqual([tls.host]);
});

test("a certificate without its key is misuse", () => {
  expect(() => registryFetch({ cert: client.cert })).toThrow(
    "a client certificate and its key belong together",
  );
});

test("plain http to a TLS port is told apart", async () => {
  const source = registrySource({ retry: { attempts: 1 } });
  const answer = await ask<"digest">(source, {
    kind: "digest",
    image: parseImageReference(`${tls.host}/acme/key-ecdsa:v1`),
  });
  expect(summary(answer)).toBe("unavailable");
});

test("https to a registry of plain http is told how to allow it", async () => {
  const answer = await resolved(upstream.host, {});
  expect(answer).toMatchObject({
    failure: { code: "unavailable", message: expect.stringContaining("`--insecure-registry`") },
  });
});
