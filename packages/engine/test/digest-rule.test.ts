import type { JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import type { EvaluationRequest } from "../src/verdict/verdict.ts";
import {
  digestOf,
  engineFor,
  entry as entryOf,
  image,
  keys,
  kindsAsked,
  pinned,
  pod,
  policy,
} from "./build.ts";
import { fixtureSources } from "./fixture-source.ts";

const tag = image("key-ecdsa");
const digest = digestOf("key-ecdsa");

// kyverno-verifyimages: keyless-mutatedigest-verifydigest-required, keyless-nomutatedigest-noverifydigest-{required,
// norequired}, mutateDigest-noverifyDigest-norequired, nomutateDigest-verifyDigest-norequired.
describe("the digest rule", () => {
  test.each([
    // mutate, mutateDigest, verifyDigest, by tag, allowed, patched
    [true, true, true, true, true, true],
    [true, true, false, true, true, true],
    [true, false, true, true, false, false],
    [true, false, false, true, true, false],
    [false, true, true, true, false, false],
    [false, true, false, true, true, false],
    [false, false, true, true, false, false],
    [false, false, false, true, true, false],
    [true, true, true, false, true, false],
    [false, true, true, false, true, false],
    [false, false, true, false, true, false],
  ])(
    "caller patches %s, mutateDigest %s, verifyDigest %s, by tag %s: allowed %s, patched %s",
    async (mutate, mutateDigest, verifyDigest, byTag, allowed, patched) => {
      const engine = engineFor(policy({ entry: { mutateDigest, verifyDigest } }));
      const resource = pod(byTag ? tag : pinned("key-ecdsa"));
      const { verdict } = await engine.evaluate({ resource, mutate });
      expect(verdict.allowed).toBe(allowed);
      expect(verdict.patches).toEqual(
        patched ? [{ op: "replace", path: "/spec/containers/0/image", value: `${tag}@${digest}` }] : [],
      );
    },
  );

  test("a tag is refused by the words that people look for, and told what it resolves to", async () => {
    const { verdict } = await engineFor(policy({ entry: { mutateDigest: false } })).evaluate({
      resource: pod(tag),
    });
    const [result] = verdict.results;
    expect(result).toMatchObject({ outcome: "fail", code: "digestRequired", digest });
    expect(result?.message).toContain("image reference must be by digest");
    expect(result?.message).toContain(`${tag}@${digest}`);
  });

  test("an unsigned image that is named by tag fails for its signature first", async () => {
    const { verdict } = await engineFor(policy({ entry: { mutateDigest: false } })).evaluate({
      resource: pod(image("unsigned")),
    });
    expect(verdict.results[0]?.code).toBe("notSigned");
    expect(JSON.stringify(verdict.trace)).toContain("image reference must be by digest");
  });

  test("an entry that only asks for digests needs no network", async () => {
    const sources = fixtureSources();
    const entry = { attestors: [], imageReferences: ["*"], mutateDigest: false, required: false };
    const engine = engineFor(policy({ entry }), { sources });
    const byTag = await engine.evaluate({ resource: pod("nginx:latest") });
    expect(byTag.verdict.results[0]).toMatchObject({ outcome: "fail", code: "digestRequired" });
    const byDigest = await engine.evaluate({ resource: pod(`nginx:latest@${digest}`) });
    expect(byDigest.verdict).toMatchObject({ allowed: true, outcome: "pass" });
    expect(kindsAsked(sources)).toEqual([]);
  });

  test("an entry that verifies nothing can never satisfy `required`", async () => {
    const entry = { attestors: [], mutateDigest: false, verifyDigest: false };
    const { verdict } = await engineFor(policy({ entry })).evaluate({ resource: pod(tag) });
    expect(verdict.results[0]).toMatchObject({ outcome: "fail", code: "unverifiedImage" });
    expect(verdict.results[0]?.message).toContain(`unverified image \`${tag}\``);
  });

  test.each([
    ["a tag", image("unsigned"), {}, false],
    ["a digest", pinned("unsigned"), {}, true],
    ["a tag where nobody asks for digests", image("unsigned"), { verifyDigest: false }, true],
    ["a tag where the entry pins what it verifies", image("unsigned"), { mutateDigest: true }, true],
  ])("a skipped image is still asked for its digest: %s", async (_name, text, more, allowed) => {
    const document = policy({ entry: { skipImageReferences: ["*"], mutateDigest: false, ...more } });
    const { verdict } = await engineFor(document).evaluate({ resource: pod(text), mutate: true });
    expect(verdict.allowed).toBe(allowed);
    if (!allowed) expect(verdict.results).toMatchObject([{ outcome: "fail", code: "digestRequired" }]);
  });

  test("an entry that verifies nothing skips nothing", async () => {
    const only = { attestors: [], skipImageReferences: ["*"], mutateDigest: false };
    const required = await engineFor(policy({ entry: only })).evaluate({ resource: pod(pinned("unsigned")) });
    expect(required.verdict.results).toMatchObject([{ code: "unverifiedImage" }]);
    const byTag = await engineFor(policy({ entry: { ...only, required: false } })).evaluate({
      resource: pod(image("unsigned")),
    });
    expect(byTag.verdict.results).toMatchObject([{ code: "digestRequired" }]);
  });

  test("an entry about other images verifies nothing for one that only asks for `required`", async () => {
    const entries = [entryOf({ attestors: [] }), entryOf({ imageReferences: ["ghcr.io/*"] })];
    const { verdict } = await engineFor(policy({ entries })).evaluate({ resource: pod(pinned("key-ecdsa")) });
    expect(verdict.allowed).toBe(false);
    expect(verdict.results).toMatchObject([{ code: "unverifiedImage" }]);
  });

  test.each([
    ["key-ecdsa", true],
    ["unsigned", false],
  ])("`required` asks that some entry of the rule verifies the image: %s", async (name, allowed) => {
    const entries = [entryOf(), entryOf({ attestors: [] })];
    const { verdict } = await engineFor(policy({ entries })).evaluate({ resource: pod(pinned(name)) });
    expect(verdict.allowed).toBe(allowed);
    if (!allowed) expect(verdict.results).toMatchObject([{ code: "notSigned" }]);
  });

  test("an image that one entry pins has its digest for the others", async () => {
    const entries = [entryOf({ mutateDigest: false }), entryOf({})];
    const engine = engineFor(policy({ entries }));
    const patching = await engine.evaluate({ resource: pod(image("key-ecdsa")), mutate: true });
    expect(patching.verdict).toMatchObject({ allowed: true, patches: [{ op: "replace" }] });
    const looking = await engine.evaluate({ resource: pod(image("key-ecdsa")), mutate: false });
    expect(looking.verdict.allowed).toBe(false);
  });

  test("a pattern of digests selects an image when it is named by digest, not before", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const other = { attestors: [{ entries: [keys("other")] }], imageReferences: ["*@sha256:*"] };
    const rules = [
      { name: "digests", match, verifyImages: [entryOf(other)] },
      { name: "all", match, verifyImages: [entryOf()] },
    ];
    const engine = engineFor(policy({ rules }));
    const byTag = await engine.evaluate({ resource: pod(image("key-ecdsa")), mutate: true });
    expect(byTag.verdict.results.map(({ rule, outcome }) => [rule, outcome])).toEqual([["all", "pass"]]);
    const byDigest = await engine.evaluate({ resource: pod(pinned("key-ecdsa")), mutate: true });
    expect(byDigest.verdict.allowed).toBe(false);
  });

  test("the pin of another rule is none for this one", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const rules = [
      { name: "asks", match, verifyImages: [entryOf({ mutateDigest: false })] },
      { name: "pins", match, verifyImages: [entryOf()] },
    ];
    const engine = engineFor(policy({ rules }));
    const { verdict } = await engine.evaluate({ resource: pod(image("key-ecdsa")), mutate: true });
    expect(verdict.results).toMatchObject([{ code: "digestRequired" }, { code: "ok" }]);
  });

  test("every field that names the image is pinned, and none that names another", async () => {
    const containers = [tag, image("key-two"), tag].map((text, index) => ({
      name: `c${index}`,
      image: text,
    }));
    const spec = { initContainers: [{ name: "i", image: tag }], containers };
    const { verdict } = await engineFor(policy({ entry: { imageReferences: ["*/key-ecdsa*"] } })).evaluate({
      resource: pod([], { spec }),
    });
    expect(verdict.patches.map(({ path }) => path)).toEqual([
      "/spec/containers/0/image",
      "/spec/containers/2/image",
      "/spec/initContainers/0/image",
    ]);
  });

  test("controllers are pinned in their Pod template", async () => {
    const template = { spec: { containers: [{ name: "c", image: tag }] } };
    const cases: readonly (readonly [string, string, JsonObject, string])[] = [
      ["apps/v1", "Deployment", { template }, "/spec/template/spec/containers/0/image"],
      ["apps/v1", "StatefulSet", { template }, "/spec/template/spec/containers/0/image"],
      ["apps/v1", "DaemonSet", { template }, "/spec/template/spec/containers/0/image"],
      ["batch/v1", "Job", { template }, "/spec/template/spec/containers/0/image"],
      [
        "batch/v1",
        "CronJob",
        { jobTemplate: { spec: { template } } },
        "/spec/jobTemplate/spec/template/spec/containers/0/image",
      ],
    ];
    const kinds = cases.map(([, kind]) => kind);
    const engine = engineFor(policy({ rule: { match: { resources: { kinds } } } }));
    for (const [apiVersion, kind, spec, path] of cases) {
      const metadata = { name: "web", namespace: "default" };
      const { verdict } = await engine.evaluate({ resource: { apiVersion, kind, metadata, spec } });
      expect(verdict).toMatchObject({ allowed: true, patches: [{ path }] });
    }
  });

  test("a request that is refused gets no patches", async () => {
    const { verdict } = await engineFor(policy()).evaluate({ resource: pod([tag, image("unsigned")]) });
    expect(verdict).toMatchObject({ allowed: false, patches: [] });
  });

  test("an image that was not verified is not pinned, though the policy only audits", async () => {
    const spec = { validationFailureAction: "Audit" };
    const { verdict } = await engineFor(policy({ spec, entry: { failureAction: "Audit" } })).evaluate({
      resource: pod([tag, image("unsigned")]),
    });
    expect(verdict).toMatchObject({ allowed: true, outcome: "fail" });
    expect(verdict.patches.map(({ path }) => path)).toEqual(["/spec/containers/0/image"]);
  });

  test("an ephemeral container is verified, and only it can be pinned through its subresource", async () => {
    const spec = {
      containers: [{ name: "c", image: tag }],
      ephemeralContainers: [{ name: "debug", image: tag }],
    };
    const resource = pod([], { spec });
    const engine = engineFor(policy({ rule: { match: { any: [{ resources: { kinds: ["Pod"] } }] } } }));
    const { verdict } = await engine.evaluate({
      resource,
      oldResource: pod(tag),
      operation: "UPDATE",
      subresource: "ephemeralcontainers",
    });
    expect(verdict).toMatchObject({
      allowed: true,
      patches: [{ path: "/spec/ephemeralContainers/0/image" }],
    });
    const evil = pod([], {
      spec: {
        containers: [{ name: "c", image: tag }],
        ephemeralContainers: [{ name: "d", image: image("unsigned") }],
      },
    });
    const denied = await engine.evaluate({
      resource: evil,
      operation: "UPDATE",
      subresource: "ephemeralcontainers",
    });
    expect(denied.verdict.allowed).toBe(false);
  });

  test("two containers of one name are two images", async () => {
    const containers = [image("unsigned"), tag].map((text) => ({ name: "same", image: text }));
    const { verdict } = await engineFor(policy()).evaluate({ resource: pod([], { spec: { containers } }) });
    expect(verdict.allowed).toBe(false);
    expect(verdict.results).toHaveLength(2);
  });
});

test("an image is verified by policies of both failure policies", async () => {
  const documents = ["Fail", "Ignore"].map((failurePolicy) =>
    policy({ name: failurePolicy.toLowerCase(), spec: { failurePolicy } }),
  );
  const { verdict } = await engineFor(documents).evaluate({ resource: pod(pinned("key-ecdsa")) });
  expect(verdict).toMatchObject({ allowed: true, results: [{ outcome: "pass" }, { outcome: "pass" }] });
});

test("a required entry that verifies nothing is not satisfied by an entry about other images", async () => {
  const others = entryOf({ imageReferences: ["registry.example.com/*"] });
  const entries = [others, entryOf({ attestors: [] })];
  const { verdict } = await engineFor(policy({ entries })).evaluate({ resource: pod(pinned("unsigned")) });
  expect(verdict).toMatchObject({ allowed: false, results: [{ code: "unverifiedImage" }] });
});

describe("images that are none", () => {
  test("an image that does not exist fails, it is not an error", async () => {
    const { verdict } = await engineFor(policy({ spec: { failurePolicy: "Ignore" } })).evaluate({
      resource: pod(image("nonexistent")),
    });
    expect(verdict).toMatchObject({ allowed: false, outcome: "fail", results: [{ code: "imageNotFound" }] });
  });

  test.each(["++", "ghcr.io/acme/app:v1@sha256:abc123...", "Acme/App:v1 "])(
    "%j fails as a bad image reference",
    async (text) => {
      const { verdict } = await engineFor(policy({ spec: { failurePolicy: "Ignore" } })).evaluate({
        resource: pod([tag, text]),
      });
      expect(verdict).toMatchObject({ allowed: false, outcome: "fail" });
      expect(verdict.results.map(({ code }) => code)).toContain("badImageReference");
    },
  );
});

test.each([
  ["preconditions that do not hold", "{{ images.containers.*.tag }}", "v1"],
  ["preconditions that cannot be evaluated", "{{ request.nope }}", "x"],
])("an image that cannot be read fails the rule beside %s: they may be about it", async (_, key, value) => {
  const preconditions = { all: [{ key, operator: "AnyIn", value }] };
  const resource = pod(["++", "127.0.0.1:5001/acme/key-ecdsa:v2"]);
  const { verdict } = await engineFor(policy({ rule: { preconditions } })).evaluate({ resource });
  expect(verdict.allowed).toBe(false);
  expect(verdict.results.map(({ code }) => code)).toContain("badImageReference");
});

// At an extractor's place Kyverno calls it an error, which would block here too.
test("an image that cannot be read is let in by a rule that only audits", async () => {
  const spec = { validationFailureAction: "Audit", failurePolicy: "Fail" };
  const { verdict } = await engineFor(policy({ spec })).evaluate({ resource: pod("++") });
  expect(verdict).toMatchObject({ allowed: true, outcome: "fail" });
});

test("an image that cannot be read fails every rule for its kind, however many rules are loaded", async () => {
  const documents = Array.from({ length: 40 }, (_, index) =>
    policy({ name: `p${index}`, entry: { imageReferences: [`registry-${index}.example.com/*`] } }),
  );
  const engine = engineFor(documents);
  const { verdict } = await engine.evaluate({ resource: pod(["registry-7.example.com/a:b:c"]) });
  expect(verdict.allowed).toBe(false);
  expect(verdict.results).toHaveLength(40);
  // And an image that can be read is looked at by the rules that are about it only.
  const read = await engine.evaluate({ resource: pod("nginx") });
  expect(read.verdict).toMatchObject({ allowed: true, trace: [] });
});

describe("requests that are not a creation", () => {
  const unsigned = pod(image("unsigned"));

  test("an update is judged anew, whatever annotations the object brings", async () => {
    const annotations = {
      "kyverno.io/verify-images": JSON.stringify({ [image("unsigned")]: "pass" }),
      "kyverno.io/verify-images-scoped": JSON.stringify({
        version: 1,
        policies: { "/test": { check: { [image("unsigned")]: "pass" } } },
      }),
    };
    const resource = pod(image("unsigned"), { metadata: { name: "web", namespace: "default", annotations } });
    const { verdict } = await engineFor(policy()).evaluate({
      resource,
      oldResource: resource,
      operation: "UPDATE",
    });
    expect(verdict.allowed).toBe(false);
  });

  test("a deletion is not verified, unless the policy asks for it: then the old object is", async () => {
    const request = { resource: {}, oldResource: unsigned, operation: "DELETE" } as const;
    const plain = await engineFor(policy()).evaluate(request);
    expect(plain.verdict).toMatchObject({ allowed: true, outcome: "skip", results: [] });
    const match = { any: [{ resources: { kinds: ["Pod"], operations: ["DELETE"] } }] };
    const asked = await engineFor(policy({ rule: { match } })).evaluate(request);
    expect(asked.verdict).toMatchObject({ allowed: false, outcome: "fail" });
  });

  test("a deletion is let through as it is: the API server refuses one that a webhook wants to change", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"], operations: ["DELETE"] } }] };
    const request = { resource: {}, oldResource: pod(tag), operation: "DELETE" } as const;
    const { verdict } = await engineFor(policy({ rule: { match } })).evaluate(request);
    expect(verdict).toMatchObject({ allowed: true, outcome: "pass", patches: [] });
  });

  test.each<[string, unknown, string]>([
    ["an object without kind", { resource: { metadata: {} } }, "has no `kind`"],
    ["nothing", undefined, "the request is not `{ resource: … }`"],
    ["text", { resource: "kind: Pod" }, "the resource is not a JSON object"],
    ["an object that is not inside a request", unsigned, "give the object as `{ resource: … }`"],
    ["a list", { resource: { kind: "List", items: [unsigned] } }, "list (`List` with `items`): judge each"],
    ["a list of Pods", { resource: { kind: "PodList", metadata: {}, items: [] } }, "judge each of its"],
    [
      "a list that calls itself otherwise, of which kubectl applies the Pod",
      { resource: { kind: "ConfigMap", metadata: { name: "innocent" }, items: [unsigned] } },
      "list (`ConfigMap` with `items`): judge each",
    ],
    [
      "a Pod with `items`, of which kubectl applies those alone",
      { resource: { ...pod(pinned("key-ecdsa")), items: [] } },
      "list (`Pod` with `items`)",
    ],
  ])("%s is no object that could be judged, and is refused", async (_, request, said) => {
    const attempt = engineFor(policy()).evaluate(request as EvaluationRequest);
    await expect(attempt).rejects.toMatchObject({ code: "invalidRequest" });
    await expect(attempt).rejects.toThrow(said);
  });
});

describe("an image in a place that no update can change", () => {
  const containers = [{ name: "c", image: tag }];
  const job = (image: string, labels: JsonObject = {}): JsonObject => ({
    ...{ apiVersion: "batch/v1", kind: "Job", metadata: { name: "a", namespace: "default", labels } },
    spec: { template: { spec: { containers: [{ name: "c", image }] } } },
  });
  const debugged = (...names: readonly string[]): JsonObject => {
    const ephemeralContainers = names.map((name) => ({ name, image: tag }));
    return pod([], { spec: { containers, ephemeralContainers } });
  };
  const main = { op: "replace", path: "/spec/containers/0/image", value: `${tag}@${digest}` };
  const first = { ...main, path: "/spec/ephemeralContainers/0/image" };
  const second = { ...main, path: "/spec/ephemeralContainers/1/image" };
  const engine = engineFor(policy({ rule: { match: { any: [{ resources: { kinds: ["Pod", "Job"] } }] } } }));
  const update = async (
    oldResource: JsonObject,
    resource: JsonObject,
    more: Partial<EvaluationRequest> = {},
  ) => (await engine.evaluate({ oldResource, resource, operation: "UPDATE", ...more })).verdict;

  test.each([
    ["a label of a Job of before the policy", job(tag), job(tag, { a: "b" }), "", []],
    ["a label of a Pod that was debugged before it", debugged("a"), debugged("a"), "", [main]],
    ["the next ephemeral container", debugged("a"), debugged("a", "b"), "ephemeralcontainers", [second]],
    ["one that comes before it", debugged("a"), debugged("b", "a"), "ephemeralcontainers", [first]],
  ])("is not pinned, and no digest is asked for: %s", async (_name, before, after, subresource, patches) => {
    const more = subresource === "" ? {} : { subresource };
    expect(await update(before, after, more)).toMatchObject({ allowed: true, patches });
    // The validating webhook gets what the other made of it.
    const pinnedAfter = JSON.parse(JSON.stringify(after));
    for (const { path, value } of patches) {
      const [, spec = "", list = "", index = ""] = path.split("/");
      pinnedAfter[spec][list][index].image = value;
    }
    expect(await update(before, pinnedAfter, { ...more, mutate: false })).toMatchObject({ allowed: true });
  });

  test.each([
    ["its signature is", job(image("unsigned")), job(image("unsigned")), {}],
    ["one that is another than before is", job(pinned("key-ecdsa")), job(tag), { mutate: false }],
    ["one of a new Job is", job(tag), job(tag), { operation: "CREATE", mutate: false }],
    [
      "one of another kind of Job is",
      job(tag),
      { ...job(tag), apiVersion: "batch.volcano.sh/v1" },
      { mutate: false },
    ],
  ] as const)("%s judged", async (_name, before, after, more) => {
    expect(await update(before, after, more)).toMatchObject({ allowed: false });
  });
});
