import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContextLookup, ContextSource } from "@assay/engine";
import { contextFromFiles, contextFromObjects, kubernetesContext } from "@assay/sources/cluster";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";

async function ask(source: ContextSource, lookup: ContextLookup) {
  const answer = await source.fetch(lookup, { signal: new AbortController().signal });
  return answer.ok ? answer.value : `${answer.failure.code}: ${answer.failure.message}`;
}

const configMap = (name: string, data: object, namespace = "kyverno") => ({
  kind: "ConfigMap",
  metadata: { namespace, name },
  data: { ...data },
});

describe("objects in hand", () => {
  const source = contextFromObjects(
    [
      configMap("keys", { "cosign-pub": "PEM" }),
      { kind: "Secret", metadata: { name: "pull" }, stringData: { token: "t" } },
      { kind: "Pod" },
    ],
    {
      apiCalls: { "/api/v1/nodes": { items: [] }, "POST http://svc/": { ok: true } },
      globalContext: { nodes: [1] },
    },
  );
  test.each<[ContextLookup, unknown]>([
    [
      { kind: "configMap", namespace: "kyverno", name: "keys" },
      { object: configMap("keys", { "cosign-pub": "PEM" }) },
    ],
    [
      { kind: "secret", namespace: "default", name: "pull" },
      { object: { kind: "Secret", metadata: { name: "pull" }, data: { token: "dA==" } } },
    ],
    [
      { kind: "configMap", namespace: "default", name: "keys" },
      "notFound: ConfigMap default/keys was not given",
    ],
    [{ kind: "secret", namespace: "kyverno", name: "keys" }, "notFound: Secret kyverno/keys was not given"],
    [{ kind: "apiCall", method: "GET", url: "/api/v1/nodes" }, { data: { items: [] } }],
    [{ kind: "apiCall", method: "POST", url: "http://svc/" }, { data: { ok: true } }],
    [
      { kind: "apiCall", method: "POST", url: "/api/v1/nodes" },
      "unsupported: there is no cluster to ask `POST /api/v1/nodes`",
    ],
    [
      { kind: "apiCall", method: "GET", url: "__proto__" },
      "unsupported: there is no cluster to ask `GET __proto__`",
    ],
    [{ kind: "globalContext", name: "nodes" }, { data: [1] }],
    [
      { kind: "globalContext", name: "toString" },
      "unsupported: global context entry `toString` was not given",
    ],
  ])("%j", async (lookup, expected) => {
    expect(await ask(source, lookup)).toEqual(expected);
  });

  test("two of one name are misuse", () => {
    expect(() => contextFromObjects([configMap("a", {}), configMap("a", {})])).toThrow(
      "`ConfigMap kyverno/a` is given twice",
    );
  });
});

describe("files", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "assay-cluster-"));
  });
  afterAll(() => rm(directory, { recursive: true }));
  const file = async (name: string, content: string) => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };

  test("of several documents and lists, as YAML and JSON", async () => {
    const yaml =
      "kind: ConfigMap\nmetadata: {name: a, namespace: x}\ndata: {k: v}\n---\nkind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: b, namespace: x}\n---\n";
    const paths = [
      await file("a.yaml", yaml),
      await file("b.json", JSON.stringify(configMap("c", { k: 1 }))),
    ];
    const source = await contextFromFiles(paths);
    for (const [namespace, name] of [
      ["x", "a"],
      ["x", "b"],
      ["kyverno", "c"],
    ] as const) {
      expect(await ask(source, { kind: "configMap", namespace, name })).toMatchObject({
        object: { metadata: { name } },
      });
    }
  });

  test.each([
    ["a key twice", "kind: ConfigMap\nkind: Secret\n", "is no YAML: Map keys must be unique"],
    [
      "aliases without end",
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
        .split("")
        .map((key, i) => `${key}: &${key} [${Array(10).fill(`*${"abcdefgh"[i]}`)}]`)
        .join("\n")}`,
      "Excessive alias count",
    ],
    ["no YAML", "a: [", "is no YAML"],
  ])("with %s are refused", async (_, content, message) => {
    const path = await file("bad.yaml", content);
    await expect(contextFromFiles([path])).rejects.toThrow(message);
  });

  test("that are missing are named", async () => {
    await expect(contextFromFiles(["/nowhere/x.yaml"])).rejects.toThrow("`/nowhere/x.yaml` cannot be read");
  });
});

describe("the API server", () => {
  let server: ReturnType<typeof createServer>;
  let respond: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
  const seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const json = (status: number, value: unknown) => (_: IncomingMessage, outgoing: ServerResponse) =>
    void outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

  beforeAll(async () => {
    server = createServer(async (incoming, outgoing) => {
      let body = "";
      for await (const chunk of incoming) body += chunk;
      seen.push({ method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers, body });
      respond(incoming, outgoing);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  beforeEach(() => seen.splice(0));
  afterAll(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });

  function cluster(options = {}, skipTLSVerify = true) {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "test", server: address(), skipTLSVerify },
      { name: "us", token: "secret-token" },
    );
    return kubernetesContext({ config, ...options });
  }

  test.each<[ContextLookup, string]>([
    [
      { kind: "configMap", namespace: "kyverno", name: "keys" },
      "GET /api/v1/namespaces/kyverno/configmaps/keys",
    ],
    [{ kind: "secret", namespace: "a/../b", name: "x?y" }, "GET /api/v1/namespaces/a%2F..%2Fb/secrets/x%3Fy"],
    [
      { kind: "apiCall", method: "GET", url: "/apis/apps/v1/deployments?limit=1" },
      "GET /apis/apps/v1/deployments?limit=1",
    ],
    [{ kind: "apiCall", method: "POST", url: "/apis/x", body: { a: 1 } }, 'POST /apis/x {"a":1}'],
  ])("is asked for %j", async (lookup, request) => {
    respond = json(200, { found: true });
    expect(await ask(cluster(), lookup)).toMatchObject(
      lookup.kind === "apiCall" ? { data: { found: true } } : { object: { found: true } },
    );
    expect(seen.map(({ method, url, body }) => `${method} ${url} ${body}`.trim())).toEqual([request]);
    expect(seen[0]?.headers.authorization).toBe("Bearer secret-token");
  });

  test.each<[string, (incoming: IncomingMessage, outgoing: ServerResponse) => void, RegExp]>([
    [
      "404",
      json(404, { message: 'configmaps "keys" not found' }),
      /^notFound: `127.0.0.1:\d+` answered 404 to `.*keys`: configmaps "keys" not found$/,
    ],
    [
      "403",
      json(403, { message: "forbidden" }),
      /^unauthorized: .*: forbidden \(does its role allow this\?\)$/,
    ],
    ["401", json(401, {}), /^unauthorized: `127.0.0.1:\d+` answered 401 to `[^`]*keys`$/],
    ["429", json(429, {}), /^rateLimited: /],
    ["500", json(500, {}), /^unavailable: /],
    [
      "a redirect",
      (_, outgoing) => void outgoing.writeHead(302, { location: "http://evil.example" }).end(),
      /^unavailable: .* answered 302/,
    ],
    ["HTML", (_, outgoing) => void outgoing.end("<html>"), /^unavailable: .* with no JSON$/],
    ["nothing", () => undefined, /^timeout: /],
    ["half", (_, outgoing) => void outgoing.writeHead(200).write("{"), /^timeout: /],
    ["too much", (_, outgoing) => void outgoing.end(`"${"x".repeat(2000)}"`), /^tooLarge: /],
    [
      "a broken connection",
      (_, outgoing) => void outgoing.destroy(),
      /^unavailable: `.*` could not be reached/,
    ],
  ])("answers %s", async (_, answer, expected) => {
    respond = answer;
    const source = cluster({ maxBytes: 1000, timeoutMs: expected.source.includes("timeout") ? 50 : 60_000 });
    expect(await ask(source, { kind: "configMap", namespace: "kyverno", name: "keys" })).toMatch(expected);
  });

  test("a service gets the call, but not our token", async () => {
    respond = json(200, { allowed: true });
    const lookup = {
      kind: "apiCall",
      method: "POST",
      url: `${address()}/check`,
      body: [1],
      headers: [{ key: "X-Team", value: "shop" }],
    } as const;
    expect(await ask(cluster(), lookup)).toEqual({ data: { allowed: true } });
    expect(seen[0]?.headers).toMatchObject({ "x-team": "shop" });
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  test("a service's own authority is believed where the policy names it, of its certificates alone", async () => {
    const pem = (name: string) => readFileSync(new URL(`../testdata/tls/${name}`, import.meta.url), "utf8");
    const service = createTlsServer({ cert: pem("server.pem"), key: pem("server.key") }, (_, outgoing) => {
      outgoing.end('{"allowed":true}');
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void service.close());
    const url = `https://127.0.0.1:${(service.address() as AddressInfo).port}/check`;
    const asked = (caBundle?: string) =>
      ask(cluster(), {
        kind: "apiCall",
        method: "GET",
        url,
        ...(caBundle === undefined ? {} : { caBundle }),
      });
    expect(await asked(pem("ca.pem"))).toEqual({ data: { allowed: true } });
    for (const other of [undefined, pem("client.pem")])
      expect(await asked(other)).toMatch(/^unavailable: .* could not be reached: .*certificate/);
  });

  test("a service whose address is none is not asked", async () => {
    expect(await ask(cluster(), { kind: "apiCall", method: "GET", url: "https://[::" })).toMatch(
      /^malformed: .* is no address$/,
    );
  });

  test("a service that closes a kept connection in the moment of a question is asked again, unless it was told something", async () => {
    const asked = async (method: "GET" | "POST"): Promise<unknown> => {
      let requests = 0;
      respond = (incoming, outgoing) => {
        if (++requests === 2) incoming.socket.resetAndDestroy();
        else json(200, requests)(incoming, outgoing);
      };
      const lookup = { kind: "apiCall", method, url: `${address()}/check` } as const;
      await ask(cluster(), lookup);
      return ask(cluster(), lookup);
    };
    expect(await asked("GET")).toEqual({ data: 3 });
    expect(await asked("POST")).toMatch(/^unavailable: /);
  });

  test.each([
    "//evil.example/api",
    "api/v1/pods",
    "\\\\evil.example",
    "/\\evil.example/x",
    "/api/v1/namespaces/kyverno/configmaps/../../evil/configmaps/keys",
    "/api/v1/namespaces/kyverno/configmaps/%2e%2E/x",
    "/api/v1/namespaces/kyverno/configmaps/..\\..\\evil/configmaps/keys",
    "/api/v1/namespaces/kyverno/configmaps/..",
    "/api/v1/namespaces/kyverno/configmaps/.?x=1",
    "/\t/evil.example/api",
    "/api/v1/namespaces/kyverno/configmaps/.\t./.\t./evil/configmaps/keys",
    "/api/v1/namespaces/kyverno/configmaps/.\n./.\r./evil/configmaps/keys",
    "/api/v1/namespaces/kyverno/configmaps/%2\te./evil",
    "/api/v1/namespaces/kyverno/configmaps/keys/.. \u0001",
  ])("%j is no path: our token stays here", async (url) => {
    expect(await ask(cluster(), { kind: "apiCall", method: "GET", url })).toMatch(
      /^malformed: .* is no path on the API server/,
    );
    expect(seen).toEqual([]);
  });

  test.each(["..", "."])(
    "a ConfigMap called %s is not asked for: it would be another object",
    async (name) => {
      const lookup = { kind: "configMap", namespace: "kyverno", name } as const;
      expect(await ask(cluster(), lookup)).toMatch(/^malformed: .* is no path on the API server/);
      expect(seen).toEqual([]);
    },
  );

  test("that wants to speak another protocol has not answered, and is not waited for", async () => {
    respond = (_, { socket }) =>
      void socket?.end("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n");
    const lookup = { kind: "configMap", namespace: "kyverno", name: "keys" } as const;
    expect(await ask(cluster({ timeoutMs: 1000 }), lookup)).toMatch(/^unavailable: /);
  });

  test("is not asked with a kubeconfig that cannot be used", async () => {
    const lookup = { kind: "configMap", namespace: "kyverno", name: "keys" } as const;
    expect(await ask(cluster({}, false), lookup)).toMatch(
      /^unavailable: the kubeconfig cannot be used: HTTP protocol is not allowed/,
    );
  });

  test("is not waited for where the kubeconfig's login does not end", async () => {
    const config = {
      getCurrentCluster: () => ({ server: address() }),
      applyToHTTPSOptions: () => new Promise<void>(() => undefined),
    };
    const lookup = { kind: "configMap", namespace: "kyverno", name: "keys" } as const;
    expect(await ask(kubernetesContext({ config, timeoutMs: 50 }), lookup)).toMatch(
      /^timeout: `the kubeconfig's login` did not answer within 50 ms$/,
    );
    const signal = AbortSignal.timeout(50);
    await expect(kubernetesContext({ config }).fetch<"configMap">(lookup, { signal })).rejects.toThrow(
      "timeout",
    );
  });

  test("global context entries need a reader of their own", async () => {
    const lookup = { kind: "globalContext", name: "nodes" } as const;
    expect(await ask(cluster(), lookup)).toMatch(/^unsupported: /);
    expect(await ask(cluster({ globalContext: async (name: string) => ({ name }) }), lookup)).toEqual({
      data: { name: "nodes" },
    });
  });
});
