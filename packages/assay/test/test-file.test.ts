import type { Json, PolicyError } from "@assay/policy";
import { expect, test } from "vitest";
import { documentsOf } from "../src/policy-test/document-reader.ts";
import type { GivenValues } from "../src/policy-test/given-values.ts";
import { readTestFile as readDocument, type TestFile } from "../src/policy-test/test-file.ts";

function readTestFile(document: Json): TestFile {
  const [first] = documentsOf("t.yaml", JSON.stringify(document, undefined, 1));
  if (first === undefined) throw new Error("no document");
  return readDocument(first);
}

const HEAD = { apiVersion: "cli.kyverno.io/v1alpha1", kind: "Test", metadata: { name: "t" } };
const ROW = { policy: "p", rule: "r", resources: ["a"], result: "pass" };

test("the fields of Kyverno's format are read, deprecated ones included", () => {
  const file = readTestFile({
    ...HEAD,
    policies: ["p.yaml"],
    resources: ["r.yaml"],
    variables: "values.yaml",
    userinfo: "user.yaml",
    exceptions: ["e.yaml"],
    results: [
      { ...ROW, kind: "Pod" },
      { policy: "p", namespace: "team", resource: "b", status: "fail" },
      { policy: "p", resourceSpecs: [{ name: "c", namespace: "n" }], result: "skip" },
    ],
  });
  expect(file).toMatchObject({
    name: "t",
    policies: ["p.yaml"],
    variables: "values.yaml",
    userInfo: "user.yaml",
  });
  expect(file.expectations).toEqual([
    { policy: "p", rule: "r", kind: "Pod", resources: ["a"], result: "pass" },
    { policy: "team/p", resources: ["b"], result: "fail" },
    { policy: "p", resources: ["n/c"], result: "skip" },
  ]);
});

test.each<[string, Json]>([
  ["1:1: there are no `results`: nothing would be tested", { ...HEAD }],
  [
    "14:14: `results[0].result` must be one of pass, fail, skip, warn, error",
    { ...HEAD, results: [{ ...ROW, result: "ok" }] },
  ],
  ["8:3: `results[0]` names no `resources`", { ...HEAD, results: [{ policy: "p", result: "pass" }] }],
  ["7:12: unknown field `result` (and 1 more)", { ...HEAD, result: [ROW] }],
  ["7:12: `checks` says nothing about images and is not supported", { ...HEAD, checks: [], results: [ROW] }],
  ["8:3: `policies[0]` must be a string", { ...HEAD, policies: [1], results: [ROW] }],
  ["7:13: `results` must be a list", { ...HEAD, results: ROW }],
  ["unknown field `rul`", { ...HEAD, results: [{ ...ROW, rul: "r" }] }],
  ["`results[0].rule` must be a string", { ...HEAD, results: [{ ...ROW, rule: 7 }] }],
  ["`isValidatingPolicy` says nothing", { ...HEAD, results: [{ ...ROW, isValidatingPolicy: true }] }],
  ["`variables` must be a string", { ...HEAD, variables: {}, results: [ROW] }],
  [
    "`values.policies[0].name` is missing",
    { ...HEAD, values: { policies: [{ rules: [] }] }, results: [ROW] },
  ],
  [
    "`request.operation` must be one of CREATE, UPDATE, DELETE, CONNECT",
    { ...HEAD, values: { globalValues: { "request.operation": "update" } }, results: [ROW] },
  ],
  ...(
    [
      ["unknown field `globalvalues`", { globalvalues: {} }],
      ["`subresources` says nothing", { subresources: [] }],
      ["unknown field `value`", { policies: [{ name: "p", resources: [{ name: "a", value: {} }] }] }],
      ["`request.uid` cannot be given", { globalValues: { "request.uid": "1" } }],
      ["`request.userInfo.uid` cannot be given", { globalValues: { "request.userInfo.uid": "1" } }],
      ["`request.userInfo.uid` cannot be given", { globalValues: { request: { userInfo: { uid: "1" } } } }],
      ["`request.userInfo.username` must be a string", { globalValues: { "request.userInfo.username": 1 } }],
      [
        "`request.userInfo.groups` must be a list of strings",
        { globalValues: { "request.userInfo": { groups: "a" } } },
      ],
      ["`request.roles` must be a list of strings", { globalValues: { "request.roles": "admin" } }],
      ["`request.dryRun` must be true or false", { globalValues: { "request.dryRun": "true" } }],
      ["`request.oldObject` must be an object", { globalValues: { "request.oldObject": null } }],
      ['`request."object.x"` cannot be given', { globalValues: { 'request."object.x"': 1 } }],
      ["`request` cannot be given", { globalValues: { request: "CREATE" } }],
      ["is no name: quotes enclose whole parts", { globalValues: { 'request.object.a"b': 1 } }],
      [
        "`serviceAccountName` cannot be given: give `request.userInfo.username`",
        { globalValues: { serviceAccountName: "x" } },
      ],
      ["`images` cannot be given", { globalValues: { "images.containers.app.tag": "x" } }],
    ] as const
  ).map(([message, values]): [string, Json] => [message, { ...HEAD, values, results: [ROW] }]),
])("refused with its place: %s", (message, document) => {
  expect(() => readTestFile(document)).toThrow(message);
  expect(() => readTestFile(document)).toThrow(/^t\.yaml:\d+:\d+: /);
});

test("everything that is wrong with a test is told at once", () => {
  const wrong = { ...HEAD, policies: 1, resource: [], results: [{ ...ROW, policy: 1, result: "ok" }] };
  try {
    readTestFile(wrong);
    expect.unreachable();
  } catch (error) {
    expect((error as PolicyError).diagnostics.map(({ path }) => path)).toEqual([
      "resource",
      "results[0].result",
      "results[0].policy",
      "policies",
    ]);
  }
});

test("inline values are read by policy, rule, resource and namespace", () => {
  const { values } = readTestFile({
    ...HEAD,
    results: [ROW],
    values: {
      globalValues: { "request.operation": "UPDATE" },
      policies: [
        {
          name: "p",
          rules: [{ name: "r", values: { ORG: "acme" } }],
          resources: [{ name: "a", values: { n: 1 } }],
        },
      ],
      namespaceSelector: [
        { name: "prod", labels: { env: "prod" } },
        { name: "dev", labels: { env: "none" } },
      ],
      namespaces: [{ metadata: { name: "dev", labels: { env: "dev" } } }],
    },
  });
  const plain = (given: GivenValues | undefined) =>
    Object.fromEntries([...(given ?? [])].map(([name, { value }]) => [name, value]));
  expect(plain(values.global)).toEqual({ "request.operation": "UPDATE" });
  expect(plain(values.rules.get("p")?.get("r"))).toEqual({ ORG: "acme" });
  expect(plain(values.resources.get("p")?.get("a"))).toEqual({ n: 1 });
  expect(values.namespaceLabels.get("prod")).toEqual({ env: "prod" });
  expect(values.namespaceLabels.get("dev")).toEqual({ env: "dev" });
});
