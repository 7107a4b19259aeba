import type { EvaluationRequest, Verdict } from "@assay/engine";
import { providerHandler } from "@assay/gatekeeper";
import { admissionHandler } from "@assay/webhook";
import { beforeAll, describe, expect, test } from "vitest";
import { fixtureRegistries } from "./fixture-registry.ts";
import { caseName, fixtureAssay, fixtureResource, loadFixtures } from "./run-fixtures.ts";

// One engine behind every front door: the SDK, the mutating and the validating webhook, background scans and
// Gatekeeper's provider judge every recorded case alike. The command line is `createAssay` with files (packages/assay).

const set = loadFixtures(new URL("../cases/fixtures", import.meta.url).pathname);
let reach: typeof fetch;

beforeAll(async () => {
  ({ fetch: reach } = await fixtureRegistries(set.directory));
});

/** What an adapter asked of the engine, and what it heard. */
interface Heard {
  readonly request: EvaluationRequest;
  readonly verdict: Verdict;
}

describe("every front door comes to the same verdict", () => {
  test.each(set.cases.map((asked, i) => [caseName(asked, i), asked] as const))("%s", async (_name, asked) => {
    let assay: ReturnType<typeof fixtureAssay>;
    try {
      assay = fixtureAssay(set, asked, reach);
    } catch (error) {
      // A policy that no front door gets past loading.
      expect(error).toMatchObject({ code: "invalidPolicy" });
      return;
    }
    const resource = fixtureResource(set, asked);
    const heard: Heard[] = [];
    const listening = {
      evaluate: async (request: EvaluationRequest, options?: { readonly signal?: AbortSignal }) => {
        const verdict = await assay.evaluate(request, options);
        heard.push({ request, verdict });
        return verdict;
      },
    };
    const patching = await assay.evaluate({ resource, mutate: true });
    const validating = await assay.evaluate({ resource, mutate: false });

    for (const [path, verdict] of [
      ["/mutate", patching],
      ["/validate", validating],
    ] as const) {
      const response = await admissionHandler(listening)(review(path, resource));
      const answer = (await response.json()) as { response: { allowed: boolean; patch?: string } };
      expect(answer.response.allowed).toBe(verdict.allowed);
      expect(JSON.stringify(heard.at(-1)?.verdict)).toBe(JSON.stringify(verdict));
      const patch = answer.response.patch === undefined ? [] : decoded(answer.response.patch);
      expect(patch).toEqual(path === "/mutate" ? verdict.patches : []);
    }

    // A background scan asks as the validating webhook does.
    const scanned = await listening.evaluate({ resource, operation: "CREATE", mutate: false });
    expect(JSON.stringify(scanned)).toBe(JSON.stringify(validating));

    const image = (resource as { spec: { containers: [{ image: string }] } }).spec.containers[0].image;
    const provided = await providerHandler(listening)(question(image));
    const { response } = (await provided.json()) as {
      response: { items: [{ value: string; error: string }] };
    };
    expect(response.items[0].error === "").toBe(patching.allowed);
    expect(response.items[0].value).toBe(patching.patches[0]?.value ?? image);
    const { trace: _ours, resource: _pod, ...rest } = patching;
    expect(heard.at(-1)?.verdict).toMatchObject(rest);
  });
});

function review(path: string, object: object): Request {
  const request = {
    uid: "1",
    kind: { group: "", version: "v1", kind: "Pod" },
    namespace: "default",
    operation: "CREATE",
    object,
    userInfo: { username: "alice", groups: [] },
  };
  const body = JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
  const headers = { "content-type": "application/json" };
  return new Request(`https://assay.test${path}`, { method: "POST", headers, body });
}

function question(image: string): Request {
  const body = {
    apiVersion: "externaldata.gatekeeper.sh/v1beta1",
    kind: "ProviderRequest",
    request: { keys: [image] },
  };
  const headers = { "content-type": "application/json" };
  return new Request("https://assay.test/", { method: "POST", headers, body: JSON.stringify(body) });
}

function decoded(patch: string): unknown {
  return JSON.parse(Buffer.from(patch, "base64").toString("utf8"));
}
