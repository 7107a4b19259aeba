import type { JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import type { EvaluationRequest } from "../src/verdict/verdict.ts";
import { engineFor, image, kindsAsked, pod, policy } from "./build.ts";
import { fixtureSources } from "./fixture-source.ts";

const unsigned = image("unsigned");
const kinds = ["Pod", "ReplicaSet", "Job"];
const strict = policy({ rule: { match: { any: [{ resources: { kinds } }] } } });

function workload(kind: string, metadata: JsonObject, spec: JsonObject): JsonObject {
  const template = { spec: { containers: [{ name: "c", image: unsigned }] } };
  const named = { name: "a", namespace: "default", ...metadata };
  return { apiVersion: "apps/v1", kind, metadata: named, spec: { replicas: 3, template, ...spec } };
}
const replicaSet = (spec: JsonObject, metadata: JsonObject = {}) => workload("ReplicaSet", metadata, spec);
const deleted = { deletionTimestamp: "2026-11-23T12:00:00Z" };

function podWith(over: JsonObject, text = unsigned): JsonObject {
  const { metadata = {}, ...more } = over;
  return pod(text, { metadata: { name: "web", namespace: "default", ...(metadata as JsonObject) }, ...more });
}

async function update(oldResource: JsonObject, resource: JsonObject, more: Partial<EvaluationRequest> = {}) {
  const sources = fixtureSources();
  const request = { resource, oldResource, operation: "UPDATE", ...more } as const;
  const { verdict } = await engineFor(strict, { sources }).evaluate(request);
  return { allowed: verdict.allowed, asked: kindsAsked(sources).length, verdict };
}

describe("an update after which no more runs than before is let through, though the image would not be let in", () => {
  test.each<[string, JsonObject, JsonObject]>([
    [
      "the last finalizer of an object that is being deleted",
      podWith({ metadata: { ...deleted, finalizers: ["example.com/f"] } }),
      podWith({ metadata: deleted }),
    ],
    [
      "the finalizer that a Job has on its Pod, once the Pod has ended",
      podWith({
        metadata: { finalizers: ["batch.kubernetes.io/job-tracking"] },
        status: { phase: "Failed" },
      }),
      podWith({ status: { phase: "Failed" } }),
    ],
    [
      "the old ReplicaSet of a Deployment whose image was put right",
      replicaSet({}, { annotations: { "deployment.kubernetes.io/desired-replicas": "3" } }),
      replicaSet({ replicas: 0 }, { annotations: { "deployment.kubernetes.io/desired-replicas": "0" } }),
    ],
  ])("%s", async (_name, before, after) => {
    const { allowed, asked, verdict } = await update(before, after);
    expect({ allowed, asked }).toEqual({ allowed: true, asked: 0 });
    expect(verdict.trace[0]?.message).toBe(
      "after this update no more runs than before, and all images that this rule selects were there",
    );
  });

  test("an image that cannot be read does not keep an object from being deleted", async () => {
    const bad = podWith({ metadata: deleted }, "Acme/App:v1 ");
    expect((await update(bad, bad)).allowed).toBe(true);
  });
});

describe("every other update is judged as if the object were new", () => {
  test.each<[string, JsonObject, JsonObject, Partial<EvaluationRequest>?]>([
    [
      "another image of an object that is being deleted",
      podWith({ metadata: deleted }, image("key-ecdsa")),
      podWith({ metadata: deleted }),
    ],
    ["an object that says itself that it is being deleted", podWith({}), podWith({ metadata: deleted })],
    ["a Pod that says itself that it has ended", podWith({}), podWith({ status: { phase: "Succeeded" } })],
    ["a Pod that runs", podWith({ status: { phase: "Running" } }), podWith({ status: { phase: "Running" } })],
    ["as many replicas as before", replicaSet({}), replicaSet({})],
    ["more replicas", replicaSet({ replicas: 0 }), replicaSet({ replicas: 1 })],
    [
      "fewer replicas, under another label",
      replicaSet({}),
      replicaSet({ replicas: 1 }, { labels: { tier: "prod" } }),
    ],
    ["fewer replicas of something else", replicaSet({}), replicaSet({ replicas: 1, minReadySeconds: 1 })],
    ["fewer replicas of a kind that has none", workload("Job", {}, {}), workload("Job", {}, { replicas: 0 })],
    ["a creation", podWith({ metadata: deleted }), podWith({ metadata: deleted }), { operation: "CREATE" }],
  ])("%s", async (_name, before, after, more) => {
    expect((await update(before, after, more)).allowed).toBe(false);
  });

  test.each(["key-other", "unsigned"])(
    "an ephemeral container of a Pod that is being deleted: %s",
    async (name) => {
      const spec = { containers: [{ name: "c", image: unsigned }] };
      const before = podWith({ metadata: deleted, spec });
      const ephemeralContainers = [{ name: "d", image: image(name) }];
      const after = podWith({ metadata: deleted, spec: { ...spec, ephemeralContainers } });
      const { allowed, verdict } = await update(before, after, { subresource: "ephemeralcontainers" });
      expect(allowed).toBe(false);
      expect(verdict.results.map((one) => one.image)).toContain(image(name));
    },
  );
});
