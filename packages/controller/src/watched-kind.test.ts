import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, describe, expect, test } from "vitest";
import { type PolicyDocuments, watchPolicies } from "./policy-watcher.ts";
import { reloadableEvaluator } from "./reloadable-evaluator.ts";
import { watchedContext } from "./watched-context.ts";

const verdict = {
  resource: { kind: "Pod", name: "p" },
  allowed: true,
  outcome: "skip",
  results: [],
  patches: [],
  warnings: [],
  trace: [],
} as const;

const groups: Readonly<Record<string, readonly string[]>> = {
  "/api/v1": ["ConfigMap", "Secret"],
  "/apis/kyverno.io/v1": ["ClusterPolicy", "Policy"],
  "/apis/kyverno.io/v2": ["PolicyException"],
};
const plurals: Readonly<Record<string, string>> = {
  ConfigMap: "configmaps",
  Secret: "secrets",
  ClusterPolicy: "clusterpolicies",
  Policy: "policies",
  PolicyException: "policyexceptions",
};

/** How one path is answered instead of with an empty list. */
type Answers = Readonly<Record<string, number | readonly object[]>>;

const open: Server[] = [];
/** Servers whose watch of Policies says that one object changes, over and over. */
const restless = new WeakSet<Server>();
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** As much of an API server as lists and watches need; watches stay silent. */
async function apiServer(answers: Answers, isRestless = false): Promise<KubeConfig> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://api");
    const answer = answers[pathname] ?? [];
    if (typeof answer === "number") {
      response.writeHead(answer, { "content-type": "application/json" }).end('{"kind":"Status"}');
    } else if (searchParams.has("watch")) {
      response.writeHead(200).flushHeaders();
      if (restless.has(server) && pathname.endsWith("/policies")) {
        let version = 2;
        const change = (): void => {
          const metadata = { name: "restless", namespace: "tenant", resourceVersion: `${version++}` };
          response.write(`${JSON.stringify({ type: "MODIFIED", object: { metadata } })}\n`);
        };
        const ticking = setInterval(change, 5);
        response.on("close", () => clearInterval(ticking));
      }
    } else {
      const kinds = groups[pathname];
      const body =
        kinds === undefined
          ? { kind: "List", metadata: { resourceVersion: "1" }, items: answer }
          : {
              kind: "APIResourceList",
              groupVersion: pathname.replace(/^\/apis?\//, ""),
              resources: kinds.map((kind) => ({ name: plurals[kind], kind, namespaced: true, verbs: [] })),
            };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(server);
  if (isRestless) restless.add(server);
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromOptions({
    clusters: [{ name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: "u" }],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  return config;
}

const one = { metadata: { name: "signed", resourceVersion: "1" } };

describe("watchPolicies", () => {
  async function handed(answers: Answers): Promise<{ sets: PolicyDocuments[]; ready: boolean }> {
    const sets: PolicyDocuments[] = [];
    const evaluator = reloadableEvaluator(() => ({ evaluate: () => Promise.resolve(verdict) }));
    const watcher = await watchPolicies(await apiServer(answers), (documents) => {
      sets.push(documents);
      evaluator.load(documents);
    });
    await watcher.stop();
    return { sets, ready: evaluator.ready() };
  }

  test.each([
    "/apis/kyverno.io/v1/clusterpolicies",
    "/apis/kyverno.io/v1/policies",
    "/apis/kyverno.io/v2/policyexceptions",
    "/apis/kyverno.io/v1",
  ])("where %s is refused there are no policies yet, and nothing is ready", async (path) => {
    for (const status of [401, 403, 429, 500, 503]) {
      expect(await handed({ [path]: status }), `${status}`).toEqual({ sets: [], ready: false });
    }
  });

  test("a cluster without policies is ready", async () => {
    const { sets, ready } = await handed({});
    expect(ready).toBe(true);
    expect(sets.at(-1)).toEqual({ policies: [], exceptions: [] });
  });

  test("a kind that the cluster does not have has no objects", async () => {
    const { sets, ready } = await handed({
      "/apis/kyverno.io/v2": 404,
      "/apis/kyverno.io/v1/clusterpolicies": [one],
    });
    expect(ready).toBe(true);
    expect(sets.at(-1)?.policies).toMatchObject([{ kind: "ClusterPolicy", metadata: { name: "signed" } }]);
  });
});

test("an object that changes all the time does not keep changes from being in force", async () => {
  const config = await apiServer({}, true);
  let resolve: (documents: PolicyDocuments) => void = () => {};
  const promise = new Promise<PolicyDocuments>((settle) => {
    resolve = settle;
  });
  const handOver = (documents: PolicyDocuments): void => {
    if (documents.policies.length > 0) resolve(documents);
  };
  const watcher = await watchPolicies(config, handOver, { settleMs: 200 });
  expect((await promise).policies).toMatchObject([{ kind: "Policy", metadata: { name: "restless" } }]);
  await watcher.stop();
});

test("exceptions count only from the namespaces that the operator names", async () => {
  const exception = (namespace: string) => ({ metadata: { name: "e", namespace, resourceVersion: "1" } });
  const config = await apiServer({
    "/apis/kyverno.io/v2/policyexceptions": [exception("tenant"), exception("security")],
  });
  const seen: string[][] = [];
  const handOver = ({ exceptions }: PolicyDocuments): void => {
    seen.push(exceptions.map((one) => JSON.stringify(one["metadata"])));
  };
  await (await watchPolicies(config, handOver)).stop();
  await (await watchPolicies(config, handOver, { exceptionNamespaces: ["security"] })).stop();
  expect(seen).toEqual([[], [expect.stringContaining("security")]]);
});

describe("watchedContext", () => {
  const lookup = { kind: "configMap", namespace: "kyverno", name: "keys" } as const;

  async function ask(answers: Answers): Promise<unknown> {
    const rest = { fetch: () => Promise.reject(new Error("not asked")) };
    const context = await watchedContext(await apiServer(answers), rest);
    const answer = await context.source.fetch(lookup, { signal: new AbortController().signal });
    await context.stop();
    return answer;
  }

  test("a ConfigMap that is not in the list does not exist", async () => {
    expect(await ask({})).toMatchObject({ ok: false, failure: { code: "notFound" } });
  });

  test.each([
    [403, "unauthorized"],
    [500, "unavailable"],
  ] as const)("where the list is refused with %i nothing is said about one of them", async (status, code) => {
    expect(await ask({ "/api/v1/configmaps": status })).toMatchObject({
      ok: false,
      failure: { code, status },
    });
  });
});
