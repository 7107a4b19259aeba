import { createEngine, type Sources } from "@assay/engine";
import { providerHandler } from "@assay/gatekeeper";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { recordingSources, replaySources } from "@assay/sources/replay";
import { createKey, createRegistry, image, type TestImage } from "@assay/testkit";
import { admissionHandler } from "@assay/webhook";
import { type AssayOptions, createAssay, evaluateImage, replay } from "assay";
import { describe, expect, test } from "vitest";
import { HOST, keyed, podOf, policyOf } from "./world.ts";

// A bundle that signs the image's manifest itself, through every front door and from every kind of source. The command
// line and the layouts that it exports: packages/assay/test/signed-manifest.test.ts.

const key = createKey();
const policies = policyOf({ verifyImages: [{ attestors: keyed(key.pem) }] });
const message = { format: "bundle-v0.3", content: "message" } as const;
const made = (content: string): TestImage => image({ content }).using(message);
const good = made("good").signedBy(key);
// What hangs there is a good signature by the right key, over another image's manifest.
const copied = made("evil").carrying(...good.artifacts);

function doors(signed: TestImage) {
  const registry = createRegistry({ host: HOST });
  const { byDigest, reference } = signed.pushTo(registry);
  const options: AssayOptions = { policies, registry: { fetch: registry.fetch, credentials: [] } };
  return { registry, byDigest, reference, options, assay: createAssay(options) };
}

describe.each([
  ["over this image's manifest", good, true],
  ["over another's", copied, false],
])("a message signature %s", (_, signed, allowed) => {
  test("the SDK, with a policy and with a question about one image", async () => {
    const { assay, byDigest, reference, options } = doors(signed);
    for (const name of [reference, byDigest]) {
      expect((await assay.evaluate({ resource: podOf([name]) })).allowed).toBe(allowed);
      const asked = await evaluateImage(name, { key: key.pem, tlog: "ignore" }, options);
      expect(asked.allowed).toBe(allowed);
    }
  });

  test("the mutating and the validating webhook", async () => {
    const { assay, byDigest, reference } = doors(signed);
    const admit = async (path: string, name: string): Promise<{ allowed: boolean; patch?: string }> => {
      const response = await admissionHandler(assay)(review(path, podOf([name])));
      return ((await response.json()) as { response: { allowed: boolean; patch?: string } }).response;
    };
    expect((await admit("/validate", byDigest)).allowed).toBe(allowed);
    const { allowed: admitted, patch } = await admit("/mutate", reference);
    expect([admitted, patch !== undefined]).toEqual([allowed, allowed]);
    if (patch !== undefined)
      expect(Buffer.from(patch, "base64").toString()).toContain(`${reference}@${signed.digest}`);
  });

  test("Gatekeeper's provider", async () => {
    const { assay, byDigest } = doors(signed);
    const response = await providerHandler(assay)(question(byDigest));
    const { items } = ((await response.json()) as { response: { items: [{ error: string }] } }).response;
    expect(items[0].error === "").toBe(allowed);
  });

  test("a record holds the manifest, so that a replay comes to the same verdict", async () => {
    const { assay, byDigest } = doors(signed);
    const record = await assay.record({ resource: podOf([byDigest]) });
    expect(record.verdict.allowed).toBe(allowed);
    expect(JSON.stringify(await replay(record))).toBe(JSON.stringify(record.verdict));
  });

  test("recorded sources, and a thread of its own", async () => {
    const { registry, byDigest } = doors(signed);
    const evidence = registrySource({ fetch: registry.fetch });
    const recording = recordingSources({ evidence });
    const judge = async (sources: Sources, limits = {}) => {
      const engine = createEngine({ policies: loadPolicies(policies).policies, sources, limits, clock });
      return await engine.evaluate({ resource: podOf([byDigest]) });
    };
    const near = await judge(recording.sources);
    expect(near.verdict.allowed).toBe(allowed);
    const replayed = await judge(replaySources(recording.text()));
    expect(JSON.stringify(replayed.verdict)).toBe(JSON.stringify(near.verdict));
    const far = await judge({ evidence }, { largeEvidenceBytes: 1 });
    expect(far.stats.away).toBeGreaterThan(0);
    expect(JSON.stringify(far.verdict)).toBe(JSON.stringify(near.verdict));
  });
});

const clock = (): Date => new Date("2026-01-15T12:00:00Z");

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
  return new Request(`https://assay.test${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}

function question(name: string): Request {
  const body = {
    apiVersion: "externaldata.gatekeeper.sh/v1beta1",
    kind: "ProviderRequest",
    request: { keys: [name] },
  };
  return new Request("https://assay.test/", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
