import { createEngine } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { afterEach, describe, expect, test } from "vitest";
import { type ApiServer, apiServer } from "../test/api-server.ts";
import { scanCluster } from "./background-scan.ts";

const reports = "/apis/wgpolicyk8s.io/v1alpha2";

let api: ApiServer | undefined;
afterEach(() => api?.close());

function report(name: string): object {
  return { metadata: { name, namespace: "default", uid: name } };
}

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
