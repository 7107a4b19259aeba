import { afterEach, describe, expect, test } from "vitest";
import { type Answers, type ApiServer, apiServer } from "../test/api-server.ts";
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

const open: ApiServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function cluster(answers: Answers): Promise<ApiServer> {
  const server = await apiServer(answers);
  open.push(server);
  return server;
}

const one = { metadata: { name: "signed", resourceVersion: "1" } };

describe("watchPolicies", () => {
  async function handed(answers: Answers): Promise<{ sets: PolicyDocuments[]; ready: boolean }> {
    const sets: PolicyDocuments[] = [];
    const evaluator = reloadableEvaluator(() => ({ evaluate: () => Promise.resolve(verdict) }));
    const watcher = await watchPolicies((await cluster(answers)).config, (documents) => {
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
  const { config, put } = await cluster({});
  let resolve: (documents: PolicyDocuments) => void = () => {};
  const promise = new Promise<PolicyDocuments>((settle) => {
    resolve = settle;
  });
  const handOver = (documents: PolicyDocuments): void => {
    if (documents.policies.length > 0) resolve(documents);
  };
  const watcher = await watchPolicies(config, handOver, { settleMs: 200 });
  const ticking = setInterval(
    () => put({ kind: "Policy", metadata: { name: "restless", namespace: "tenant" } }),
    5,
  );
  expect((await promise).policies).toMatchObject([{ kind: "Policy", metadata: { name: "restless" } }]);
  clearInterval(ticking);
  await watcher.stop();
});

test("exceptions count only from the namespaces that the operator names", async () => {
  const exception = (namespace: string) => ({ metadata: { name: "e", namespace, resourceVersion: "1" } });
  const { config } = await cluster({
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
    const context = await watchedContext((await cluster(answers)).config, rest);
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
