import type { Json } from "@assay/policy";
import { expect, test } from "vitest";
import { readTestFile } from "../src/policy-test/test-file.ts";

const HEAD = { apiVersion: "cli.kyverno.io/v1alpha1", kind: "Test", metadata: { name: "t" } };
const ROW = { policy: "p", rule: "r", resources: ["a"], result: "pass" };

test("the fields of Kyverno's format are read, deprecated ones included", () => {
  const file = readTestFile(
    {
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
    },
    "kyverno-test.yaml",
  );
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
  ["has no `results`: it would test nothing", { ...HEAD }],
  [
    "`results[0].result` must be one of pass, fail, skip, warn, error",
    { ...HEAD, results: [{ ...ROW, result: "ok" }] },
  ],
  ["`results[0]` names no `resources`", { ...HEAD, results: [{ policy: "p", result: "pass" }] }],
  ["unknown field `result`", { ...HEAD, result: [ROW] }],
  ["`checks` says nothing about images and is not supported", { ...HEAD, checks: [], results: [ROW] }],
  ["`policies[0]` must be a string", { ...HEAD, policies: [1], results: [ROW] }],
  ["`results` must be a list", { ...HEAD, results: ROW }],
])("refused: %s", (message, document) => {
  expect(() => readTestFile(document, "t.yaml")).toThrow(`\`t.yaml\`: ${message}`);
});

test("inline values are read by policy, rule, resource and namespace", () => {
  const { values } = readTestFile(
    {
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
        namespaceSelector: [{ name: "prod", labels: { env: "prod" } }],
      },
    },
    "t.yaml",
  );
  expect(values.global).toEqual({ "request.operation": "UPDATE" });
  expect(values.rules.get("p")?.get("r")).toEqual({ ORG: "acme" });
  expect(values.resources.get("p")?.get("a")).toEqual({ n: 1 });
  expect(values.namespaceLabels.get("prod")).toEqual({ env: "prod" });
});
