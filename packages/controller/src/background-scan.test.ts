import {
  createEngine,
  type EvaluationRequest,
  type Evaluator,
  type Result,
  type Verdict,
} from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type Answers, type ApiServer, apiServer } from "../test/api-server.ts";
import { scanCluster } from "./background-scan.ts";
import { startController } from "./controller.ts";
import type { PolicyDocuments } from "./policy-documents.ts";

const reports = "/apis/wgpolicyk8s.io/v1alpha2";

let api: ApiServer | undefined;
afterEach(() => api?.close());

const stop = (): AbortController => new AbortController();

const denied: Verdict = {
  resource: { kind: "Pod", namespace: "default", name: "web" },
  allowed: false,
  outcome: "fail",
  results: [
    { policy: "p", rule: "r", outcome: "fail", code: "notSigned", message: "no", failureAction: "Enforce" },
  ],
  patches: [],
  warnings: [],
  trace: [],
};
const pods = {
  metadata: {},
  items: [{ metadata: { name: "web", namespace: "default", uid: "web" }, spec: { containers: [] } }],
};

function report(name: string): object {
  return { metadata: { name, namespace: "default", uid: name } };
}

test("what is judged is what the API server has, field by field: as at admission", async () => {
  const container = { name: "web", image: "a", fieldOfLaterVersions: { of: ["us"] } };
  const metadata = {
    name: "web",
    namespace: "default",
    uid: "web",
    creationTimestamp: "2026-01-01T00:00:00Z",
  };
  const web = { metadata, spec: { containers: [container], "x-unknown": 1 }, status: { phase: "Running" } };
  api = await apiServer({ "/api/v1/pods": () => ({ metadata: {}, items: [web] }) });
  const judged: object[] = [];
  const evaluate = async ({ resource }: { readonly resource: object }): Promise<Verdict> => {
    judged.push(resource);
    return { ...denied, results: [] };
  };
  await scanCluster(api.config, { evaluate }, stop().signal);
  expect(judged).toEqual([{ apiVersion: "v1", kind: "Pod", ...web }]);
});

test("what a rule speaks of has a report, and an Event where it failed; nothing else has", async () => {
  const result = { policy: "p", rule: "r", code: "ok", message: "m", failureAction: "Enforce" } as const;
  const passed: Result = { ...result, rule: "other", outcome: "pass" };
  const failed: Result = { ...result, outcome: "fail", code: "notSigned", message: "not signed" };
  const undecided: Result = { ...result, outcome: "error", code: "timeout", message: "too late" };
  const verdicts = new Map<string, Pick<Verdict, "allowed" | "outcome" | "results">>([
    ["good", { allowed: true, outcome: "pass", results: [passed] }],
    ["bad", { allowed: false, outcome: "fail", results: [passed, failed] }],
    ["unknown", { allowed: false, outcome: "error", results: [undecided] }],
    ["audited", { allowed: true, outcome: "fail", results: [{ ...failed, failureAction: "Audit" }] }],
    ["silent", { allowed: true, outcome: "skip", results: [] }],
  ]);
  const names = [...verdicts.keys(), "broken"];
  const written = new Map<string, Promise<unknown>>();
  const items = names.map((name) => ({
    metadata: { name, namespace: name.length > 4 ? "b" : "a", uid: name },
  }));
  api = await apiServer({
    "/api/v1/pods": () => ({ metadata: {}, items }),
    [`${reports}/policyreports`]: () => ({
      metadata: {},
      items: [...names, "gone"].map((name) => report(`assay-${name}`)),
    }),
    ...Object.fromEntries(
      items.map(({ metadata: { name, namespace } }) => [
        `${reports}/namespaces/${namespace}/policyreports/assay-${name}`,
        (_: unknown, body: Promise<unknown>) => {
          written.set(name, body);
          return {};
        },
      ]),
    ),
  });
  const requests: EvaluationRequest[] = [];
  const evaluator: Evaluator = {
    evaluate: async (request) => {
      requests.push(request);
      const { name } = request.resource["metadata"] as { name: string };
      const verdict = verdicts.get(name);
      if (verdict === undefined) throw new Error("no registry");
      return { ...denied, ...verdict };
    },
  };
  const labels = { team: "a" };
  const namespaceLabels = (namespace: string) => (namespace === "a" ? labels : undefined);

  const summary = await scanCluster(api.config, evaluator, stop().signal, { namespaceLabels });
  expect(summary).toEqual({ judged: 5, denied: 2, failed: 1, reportsRemoved: 2 });
  expect([...written.keys()].sort()).toEqual(["audited", "bad", "good", "unknown"]);
  expect(await written.get("audited")).toMatchObject({ summary: { pass: 0, fail: 1, warn: 0 } });
  expect([...api.deleted].sort()).toEqual(["assay-gone", "assay-silent"]);
  const events = [...api.events.values()].map(({ message }) => message).sort();
  expect(events).toEqual(["not signed", "not signed", "too late"].map((why) => `policy p/r: ${why}`));
  const asked = requests.map(({ resource: _, ...rest }) => rest);
  const common = { operation: "CREATE", mutate: false };
  const [known, unknown] = [{ ...common, namespaceLabels: labels }, common];
  expect(asked).toEqual(items.map(({ metadata: { namespace } }) => (namespace === "a" ? known : unknown)));
});

describe("startController with a scan", () => {
  const webReport = `${reports}/namespaces/default/policyreports/assay-web`;
  const policy = (name: string, spec: object = {}) => ({
    kind: "ClusterPolicy",
    metadata: { name },
    spec: { rules: [], ...spec },
  });

  /** Finds fault with every Pod, in the name of each of its policies. */
  function build({ policies }: PolicyDocuments): Evaluator {
    const names = policies.map(({ metadata }) => (metadata as { name: string }).name);
    if (names.includes("invalid")) throw new Error("invalid");
    const [one] = denied.results as [Result];
    return {
      evaluate: async ({ namespaceLabels }) => ({
        ...denied,
        results: names.map((name) => ({ ...one, policy: name, message: `${namespaceLabels?.["team"]}` })),
      }),
    };
  }

  /** What the last report speaks of; `answers` count in place of one Pod. */
  async function scanning(
    policies: readonly ReturnType<typeof policy>[],
    answers: Answers = {},
    options = {},
  ) {
    const written: Promise<{ results: { policy: string; message: string }[] }>[] = [];
    const server = await apiServer({
      "/api/v1/pods": () => pods,
      [webReport]: (_, body) => {
        written.push(body as never);
        return {};
      },
      ...answers,
    });
    api = server;
    for (const one of policies) server.put(one);
    const metadata = { name: "default", labels: { team: "shop" } };
    server.put({ kind: "Namespace", metadata });
    const errors: string[] = [];
    const controller = await startController(server.config, {
      build,
      scan: { election: { namespace: "assay", identity: "one", leaseSeconds: 1 }, ...options },
      logger: { info: () => {}, warn: () => {}, error: (_, message) => void errors.push(message) },
    });
    onTestFinished(controller.stop);
    const spokenOf = async () => (await written.at(-1))?.results.map((one) => `${one.policy} ${one.message}`);
    return {
      server,
      controller,
      errors,
      spokenOf,
      leads: () => server.lease("assay-controller") !== undefined,
    };
  }

  test("judges by the policies that are meant for it, and anew when they change", async () => {
    const { server, spokenOf } = await scanning([policy("a"), policy("b", { background: false })]);
    await expect.poll(spokenOf).toEqual(["a shop"]);
    server.put(policy("c", { background: true }));
    await expect.poll(spokenOf).toEqual(["a shop", "c shop"]);
  });

  test("reports nothing as long as it is not known what holds", async () => {
    const { server, spokenOf, leads } = await scanning([policy("a"), policy("invalid")]);
    await expect.poll(leads).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await spokenOf()).toBeUndefined();
    server.remove(policy("invalid"));
    await expect.poll(spokenOf).toEqual(["a shop"]);
  });

  test("removes no report where a list could not be had, and tries again", async () => {
    let isAway = true;
    const { server, errors, spokenOf } = await scanning(
      [policy("a")],
      {
        "/api/v1/pods": () => (isAway ? {} : pods),
        [`${reports}/policyreports`]: () => ({ metadata: {}, items: [report("assay-old")] }),
      },
      { intervalMs: 100 },
    );
    await expect.poll(() => errors.length).toBeGreaterThan(1);
    expect(new Set(errors)).toEqual(new Set(["background scan broke off"]));
    expect(server.deleted).toEqual([]);
    isAway = false;
    await expect.poll(spokenOf).toEqual(["a shop"]);
    await expect.poll(() => server.deleted).toContain("assay-old");
  });
});

test("a report does not call passed what another image passed than the one that runs", async () => {
  const [now, running] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);
  const status = { containerStatuses: [{ name: "web", imageID: `r.example/app@${running}` }] };
  const [web] = pods.items;
  const spec = { containers: [{ name: "web", image: "r.example/app:v1" }] };
  const written: Promise<{ results: object[]; summary: object }>[] = [];
  api = await apiServer({
    "/api/v1/pods": () => ({ metadata: {}, items: [{ ...web, spec, status }] }),
    [`${reports}/namespaces/default/policyreports/assay-web`]: (_, body) => {
      written.push(body as never);
      return {};
    },
  });
  const place = { policy: "p", rule: "r", image: "r.example/app:v1", digest: now ?? "" };
  const passed = {
    ...place,
    outcome: "pass",
    code: "ok",
    message: "verified",
    failureAction: "Enforce",
  } as const;
  const verdict: Verdict = { ...denied, allowed: true, outcome: "pass", results: [passed] };
  const evaluate = async () => verdict;
  const { denied: count } = await scanCluster(api.config, { evaluate }, stop().signal);
  const [report] = await Promise.all(written);
  expect(report?.summary).toMatchObject({ pass: 0, error: 1 });
  const message = expect.stringMatching(new RegExp(`${now} now.*runs ${running}`));
  const properties = expect.objectContaining({ code: "otherImageRuns", digest: now });
  expect(report?.results).toMatchObject([{ result: "error", message, properties }]);
  expect(count).toBe(1);
});

describe("reports about what is gone", () => {
  test("are removed page by page, those of others and those already gone left alone", async () => {
    const asked: (string | null)[] = [];
    api = await apiServer({
      [`${reports}/policyreports`]: (query) => {
        asked.push(query.get("labelSelector"));
        return query.has("continue")
          ? { metadata: {}, items: [report("assay-3")] }
          : { metadata: { continue: "next" }, items: [report("assay-1"), report("assay-2")] };
      },
      [`${reports}/namespaces/default/policyreports/assay-1`]: 404,
    });
    const engine = createEngine({
      ...loadPolicies([]),
      sources: { evidence: registrySource() },
      clock: () => new Date(),
    });
    const evaluator = {
      evaluate: async (...asks: Parameters<typeof engine.evaluate>) =>
        (await engine.evaluate(...asks)).verdict,
    };
    const { reportsRemoved } = await scanCluster(api.config, evaluator, new AbortController().signal);
    expect(api.deleted).toEqual(["assay-2", "assay-3"]);
    expect(reportsRemoved).toBe(2);
    expect(asked).toEqual(Array(2).fill("app.kubernetes.io/managed-by=assay"));
  });
});

describe("a scan whose Lease is lost", () => {
  test("removes no further report, and asks for no further page", async () => {
    const lost = stop();
    let pages = 0;
    api = await apiServer({
      [`${reports}/policyreports`]: () => {
        pages++;
        return { metadata: { continue: "next" }, items: [report("assay-1"), report("assay-2")] };
      },
      [`${reports}/namespaces/default/policyreports/assay-1`]: () => {
        lost.abort();
        return {};
      },
    });
    const scan = scanCluster(api.config, { evaluate: async () => denied }, lost.signal);
    await expect(scan).rejects.toHaveProperty("name", "AbortError");
    expect(api.deleted).toEqual(["assay-1"]);
    expect(pages).toBe(1);
  });

  test("writes nothing of what it was judging, and calls it no failure", async () => {
    const lost = stop();
    const errors: string[] = [];
    let written = 0;
    api = await apiServer({
      "/api/v1/pods": () => pods,
      [`${reports}/namespaces/default/policyreports/assay-web`]: () => {
        written++;
        return {};
      },
    });
    const evaluate = async (): Promise<Verdict> => {
      lost.abort();
      return denied;
    };
    const logger = {
      info: () => {},
      warn: () => {},
      error: (_: object, message: string) => void errors.push(message),
    };
    const scan = scanCluster(api.config, { evaluate }, lost.signal, { logger });
    await expect(scan).rejects.toHaveProperty("name", "AbortError");
    expect([written, api.events.size, errors]).toEqual([0, 0, []]);
  });
});

test.each([
  ["a report", `${reports}/namespaces/default/policyreports/assay-web`],
  ["a page", "/apis/apps/v1/deployments"],
])("%s that is not answered is waited for as long as is said", async (_, path) => {
  const errors: object[] = [];
  api = await apiServer({ "/api/v1/pods": () => pods, [path]: () => undefined });
  const logger = { info: () => {}, warn: () => {}, error: (fields: object) => void errors.push(fields) };
  const scan = scanCluster(api.config, { evaluate: async () => denied }, stop().signal, {
    logger,
    apiTimeoutMs: 50,
  });
  const said = await scan.then(
    ({ failed }) => `${failed} failed: ${errors.map((fields) => JSON.stringify(fields))}`,
    String,
  );
  expect(said).toContain("no answer within 0.05 s");
});
