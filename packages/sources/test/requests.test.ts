import { readFile } from "node:fs/promises";
import { createEngine } from "@assay/engine";
import { type JsonObject, loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { createRegistry, hostFetch, loadLayout } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { layouts } from "./fixtures.ts";

const fixtures = new URL("../../conformance/cases/fixtures/", import.meta.url).pathname;

/**
 * A `fetch` that counts requests and round trips: answers are held back until the client has nothing left to do but
 * wait, and then come all together.
 */
async function observedFetch() {
  const tags = createRegistry({ host: "127.0.0.1:5001", referrersApi: false });
  const referrers = createRegistry({ host: "127.0.0.1:5002" });
  await Promise.all([loadLayout(`${layouts}tags`, tags), loadLayout(`${layouts}referrers`, referrers)]);
  const reach = hostFetch({ [tags.host]: tags.handle, [referrers.host]: referrers.handle });
  const seen = { trips: 0, urls: [] as string[] };
  let held: (() => void)[] = [];
  const release = async (): Promise<void> => {
    for (let idle = 0, count = held.length; idle < 200; idle = count === held.length ? idle + 1 : 0) {
      count = held.length;
      await new Promise(setImmediate);
    }
    seen.trips++;
    for (const answer of held.splice(0)) answer();
    held = [];
  };
  const fetch: typeof globalThis.fetch = async (url, init) => {
    seen.urls.push(String(url));
    const answer = await reach(url, init);
    await new Promise<void>((resolve) => {
      held.push(resolve);
      if (held.length === 1) void release();
    });
    return answer;
  };
  return { fetch, seen };
}

async function evaluated(policy: string, resources: readonly string[]) {
  const { fetch, seen } = await observedFetch();
  const text = await readFile(`${fixtures}policies/${policy}.yaml`, "utf8");
  const { policies } = loadPolicies([{ file: policy, text }]);
  const sources = { evidence: registrySource({ fetch }) };
  const engine = createEngine({ policies, sources, clock: () => new Date("2026-11-23T12:00:00Z") });
  const pods = await Promise.all(
    resources.map(
      async (name): Promise<JsonObject> => parse(await readFile(`${fixtures}resources/${name}.yaml`, "utf8")),
    ),
  );
  const verdicts = await Promise.all(pods.map((resource) => engine.evaluate({ resource })));
  return { seen, allowed: verdicts.map(({ verdict }) => verdict.allowed) };
}

// The columns of Kyverno and cosign were counted at a registry without latency: how often each asked for the same case.
describe("requests and round trips, at most", () => {
  test.each([
    // case, policy, Pod, requests, round trips (Kyverno's and cosign's requests)
    ["a legacy signature by digest (3, 5)", "key", "key-ecdsa-5001-dig", 3, 2],
    ["a legacy signature by digest, referrers API (3, 5)", "key", "key-ecdsa-5002-dig", 3, 2],
    ["a legacy signature by tag (4, 7)", "key", "key-ecdsa-5001-tag", 4, 3],
    ["a legacy signature and three attestations by digest (18, –)", "att3", "key-att3-5002-dig", 7, 2],
    // Attestations are the union over all formats: without the API the fallback tag is asked too.
    ["the same without referrers API (18, –)", "att3", "key-att3-5001-dig", 8, 2],
    ["a legacy signature and three attestations by tag (19, –)", "att3", "key-att3-5002-tag", 8, 3],
    ["a bundle by digest, referrers API (4, 8)", "key", "bundle-ecdsa-5002-dig", 4, 3],
    ["a bundle by digest, fallback tag (5, 10)", "key", "bundle-ecdsa-5001-dig", 5, 4],
  ])("%s", async (_, policy, resource, requests, trips) => {
    const { seen, allowed } = await evaluated(policy, [resource]);
    expect(allowed).toEqual([true]);
    expect(seen.urls).toHaveLength(new Set(seen.urls).size);
    expect(seen.urls.length).toBeLessThanOrEqual(requests);
    expect(seen.trips).toBeLessThanOrEqual(trips);
  });

  test.each([
    ["key", "key-ecdsa-5001-tag", 4],
    ["att3", "key-att3-5002-tag", 8],
  ])(
    "20 Pods of one image at a time, policy %s: as one Pod (Kyverno: 80 and 380)",
    async (policy, resource, requests) => {
      const { seen, allowed } = await evaluated(
        policy,
        Array.from({ length: 20 }, () => resource),
      );
      expect(allowed.every(Boolean)).toBe(true);
      expect(seen.urls.length).toBeLessThanOrEqual(requests);
    },
  );
});
