import { createEngine, type Verdict } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { afterEach, describe, expect, test } from "vitest";
import { type ApiServer, apiServer } from "../test/api-server.ts";
import { scanCluster } from "./background-scan.ts";

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
