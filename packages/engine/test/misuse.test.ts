import { describe, expect, test } from "vitest";
import type { EngineLimits, EngineOptions } from "../src/engine-options.ts";
import type { EvaluationRequest } from "../src/verdict/verdict.ts";
import { engineFor, image, pinned, pod, policy } from "./build.ts";

/** What a program without types hands in. */
function untyped<T>(value: unknown): T {
  return value as T;
}

describe("a request whose parts are not what they should be is refused, not judged otherwise", () => {
  const onCreate = policy({
    rule: { match: { any: [{ resources: { kinds: ["Pod"], operations: ["CREATE"] } }] } },
  });
  const resource = pod(image("unsigned"));
  test.each<[string, unknown, string]>([
    [
      "an operation in lower case, which no rule is about",
      { resource, operation: "create" },
      '`operation` is `"create"`',
    ],
    ["`mutate` as text, which is true", { resource, mutate: "false" }, '`mutate` is `"false"`'],
    [
      "labels that are no texts",
      { resource, namespaceLabels: { env: 1 } },
      '`namespaceLabels` is `{"env":1}`',
    ],
    ["groups that are no list", { resource, userInfo: { groups: "system:masters" } }, "`userInfo.groups` is"],
    ["a user that is a name", { resource, userInfo: "alice" }, '`userInfo` is `"alice"`'],
    [
      "an old resource that is a list",
      { resource, operation: "DELETE", oldResource: [] },
      "`oldResource` is `[]`",
    ],
    ["a subresource that is none", { resource, subresource: true }, "`subresource` is `true`"],
    ["an operation that is misspelt", { resource, opration: "UPDATE" }, "a request has no `opration`"],
    [
      "groups that are misspelt",
      { resource, userInfo: { group: ["a"] } },
      "a request has no `userInfo.group`",
    ],
    [
      "labels that are still awaited",
      { resource, namespaceLabels: Promise.resolve({}) },
      "`namespaceLabels` is a Promise",
    ],
    ["labels that are a Map", { resource, namespaceLabels: new Map() }, "`namespaceLabels` is a Map"],
    [
      "a request by a class's getters",
      Object.create({ resource }),
      "the request is an object with inherited fields",
    ],
    ["a Pod that is a Map", { resource: { ...resource, spec: new Map() } }, "`resource.spec` is a Map"],
    [
      "a Pod whose spec is inherited",
      { resource: Object.create(resource) },
      "`resource` is an object with inherited",
    ],
    [
      "a hole among containers",
      { resource: { ...resource, spec: { containers: [undefined] } } },
      "`resource.spec.containers[0]` is undefined",
    ],
    [
      "a namespace that is no text",
      { resource: { ...resource, metadata: { namespace: 1 } } },
      "`resource.metadata.namespace` is `1`",
    ],
    [
      "labels that are a list",
      { resource: { ...resource, metadata: { labels: ["a"] } } },
      "`resource.metadata.labels` is",
    ],
    [
      "metadata that are text",
      { resource: { ...resource, metadata: "app" } },
      '`resource.metadata` is `"app"`',
    ],
    ["a kind in lower case", { resource: { ...resource, kind: "pod" } }, "`v1` has no kind `pod`"],
    ["a kind with a space", { resource: { ...resource, kind: "Pod " } }, "`v1` has no kind `Pod `"],
    [
      "no version, of which rules may speak",
      { resource: { ...resource, apiVersion: undefined } },
      "the resource has no `apiVersion`",
    ],
  ])("%s", async (_, request, said) => {
    const engine = engineFor(onCreate);
    const refused = { code: "invalidRequest", message: expect.stringContaining(said) };
    await expect(engine.evaluate(untyped<EvaluationRequest>(request))).rejects.toMatchObject(refused);
  });
});

test.each<[string, object]>([
  [
    "nulls, which Kubernetes writes for what is absent",
    { metadata: { namespace: null, labels: null, annotations: null } },
  ],
  ["a time that a Kubernetes client read", { metadata: { creationTimestamp: new Date(0) } }],
  ["a field that is undefined", { status: undefined }],
  ["a kind of somebody else's in lower case", { apiVersion: "acme.example/v1", kind: "pod-like" }],
])("%s: an object is judged", async (_, more) => {
  const resource = { ...pod(image("unsigned")), ...more } as EvaluationRequest["resource"];
  const user = { username: "a", uid: "1", groups: ["b"], extra: { scopes: ["c"] } };
  const request = untyped<EvaluationRequest>({ resource, operation: undefined, userInfo: user });
  await expect(engineFor(policy()).evaluate(request)).resolves.toHaveProperty("verdict");
});

describe("options that would judge otherwise than they say are refused", () => {
  test("a clock that tells no time: nothing would ever have expired", async () => {
    const engine = engineFor(policy(), { clock: () => new Date("yesterday") });
    const refused = { code: "misuse", message: "`clock` gave no valid time" };
    await expect(engine.evaluate({ resource: pod(pinned("key-ecdsa")) })).rejects.toMatchObject(refused);
  });

  test.each<[keyof EngineLimits, unknown, string]>([
    ["concurrency", 0, "a whole number of at least 1"],
    ["concurrency", Number.NaN, "a whole number of at least 1"],
    ["maxLookups", -1, "a number of at least 0"],
    ["maxPrepared", 0, "a whole number of at least 1"],
    ["maxFactBytes", 0.5, "a whole number of at least 1"],
    ["factTtlMilliseconds", Number.NaN, "a number of at least 0"],
    ["largeEvidenceBytes", "1 MiB", "a number of at least 0"],
  ])("a limit `%s` of %s", (name, value, wanted) => {
    const limits = untyped<EngineLimits>({ [name]: value });
    const attempt = (): unknown => engineFor(policy(), { limits });
    expect(attempt).toThrow(`\`limits.${name}\` is not ${wanted}`);
    expect(attempt).toThrow(expect.objectContaining({ code: "misuse" }));
  });

  test.each<[keyof EngineOptions, unknown, string]>([
    ["signaturePredicateTypes", "all", "`signaturePredicateTypes` is none of cosign-sign, any"],
    ["logLookup", "Never", "`logLookup` is none of never, whenMissing"],
    ["policies", new Map(), "`policies` is no list"],
    ["policies", { policies: [] }, "`policies` is no list"],
    ["defaultRegistry", "", "`defaultRegistry` is no text, or an empty one"],
    ["trustRoot", null, "`trustRoot` is no text, or an empty one"],
    ["variables", new Map([["ORG", "acme"]]), "`variables` is a Map"],
    ["variables", { ORG: { name: () => "acme" } }, "`variables.ORG.name` is a function"],
    ["limits", { maxLookup: 1 }, "there is no option `limits.maxLookup`"],
    ["clock", new Date(), "`clock` is no function"],
    ["exeptions" as keyof EngineOptions, [], "there is no option `exeptions`"],
  ])("`%s: %s`", (name, value, said) => {
    expect(() => engineFor(policy(), untyped<Partial<EngineOptions>>({ [name]: value }))).toThrow(said);
  });

  test("a timeout that is text", async () => {
    const attempt = engineFor(policy()).evaluate(
      { resource: pod(pinned("key-ecdsa")) },
      untyped({ timeoutMilliseconds: "10 s" }),
    );
    await expect(attempt).rejects.toMatchObject({
      code: "misuse",
      message: "`timeoutMilliseconds` is not a number",
    });
  });
});
