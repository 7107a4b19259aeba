import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadPolicies, type Rule } from "../src/index.ts";

// Cases of pkg/autogen/v1/autogen_test.go (kyverno/kyverno at 111e07b, Apache-2.0), under their names.

interface AutogenCase {
  readonly name: string;
  readonly policy: { readonly spec: { readonly rules: readonly Record<string, unknown>[] } };
  readonly generates: boolean;
}
const file = new URL("../testdata/kyverno-can-autogen.json", import.meta.url);
const table: { readonly cases: readonly AutogenCase[] } = JSON.parse(readFileSync(file, "utf8"));
const key = { keys: { publicKeys: "k" } };
const entry = { imageReferences: ["*"], attestors: [{ entries: [key] }] };

function rulesOf(spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): readonly Rule[] {
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p", ...metadata },
    spec,
  };
  return loadPolicies(JSON.stringify(policy)).policies.flatMap((one) => one.rules);
}

describe("Test_CanAutoGen", () => {
  // `validate` rules verify images here: whether rules are generated depends on match and exclude alone.
  test.each(table.cases)("$name", ({ policy, generates }) => {
    const rules = policy.spec.rules.map(({ validate: _, ...rule }) =>
      rule["mutate"] === undefined && rule["generate"] === undefined
        ? { ...rule, verifyImages: [entry] }
        : rule,
    );
    const generated = rulesOf({ rules }).filter((rule) => rule.autogenOf !== undefined);
    expect(generated.length > 0).toBe(generates);
  });
});

const podRule = (more: Record<string, unknown> = {}) => ({
  name: "check-image",
  match: { resources: { kinds: ["Pod"] } },
  verifyImages: [entry],
  ...more,
});

describe("autogen", () => {
  test.each([
    ["valid-rule-name", "autogen-valid-rule-name", "autogen-cronjob-valid-rule-name"],
    [
      "too-long-this-rule-name-will-be-truncated-to-63-characters",
      "autogen-too-long-this-rule-name-will-be-truncated-to-63-charact",
      "autogen-cronjob-too-long-this-rule-name-will-be-truncated-to-63",
    ],
  ])("Test_getAutogenRuleName %s", (name, first, second) => {
    expect(rulesOf({ rules: [podRule({ name })] }).map((rule) => rule.name)).toEqual([name, first, second]);
  });
  test("Test_isAutogenRule: a rule that was generated is not generated from", () => {
    expect(rulesOf({ rules: [podRule({ name: "autogen-simple" })] })).toHaveLength(1);
  });
  test("Test_ComputeRules rule-with-match-name: the kinds are qualified, the block is copied", () => {
    const [written, controllers, cronJob] = rulesOf({ rules: [podRule()] });
    expect(controllers?.match.filters).toEqual([
      {
        kinds: [
          "apps/v1/DaemonSet",
          "apps/v1/Deployment",
          "batch/v1/Job",
          "apps/v1/ReplicaSet",
          "v1/ReplicationController",
          "apps/v1/StatefulSet",
        ],
      },
    ]);
    expect(cronJob?.match.filters).toEqual([{ kinds: ["batch/v1/CronJob"] }]);
    expect(cronJob).toMatchObject({
      autogenOf: "check-image",
      path: "spec.rules[0]",
      verifyImages: written?.verifyImages,
    });
  });
  test.each([
    [
      "request.object.spec",
      "request.object.spec.template.spec",
      "request.object.spec.jobTemplate.spec.template.spec",
    ],
    [
      "request.oldObject.spec",
      "request.oldObject.spec.template.spec",
      "request.oldObject.spec.jobTemplate.spec.template.spec",
    ],
    [
      "request.object.metadata",
      "request.object.spec.template.metadata",
      "request.object.spec.jobTemplate.spec.template.metadata",
    ],
  ])("TestUpdateGenRuleByte %s", (written, inTemplate, inCronJob) => {
    const preconditions = { all: [{ key: `{{ ${written}.x }}`, operator: "Equals", value: "y" }] };
    const keys = rulesOf({ rules: [podRule({ preconditions })] }).map((rule) =>
      JSON.stringify(rule.preconditions),
    );
    expect(keys.map((text) => /\{\{ (.*)\.x/.exec(text)?.[1])).toEqual([written, inTemplate, inCronJob]);
  });
  test.each([
    ["none", ["check-image"]],
    ["Deployment,CronJob", ["check-image", "autogen-check-image", "autogen-cronjob-check-image"]],
    ["CronJob", ["check-image", "autogen-cronjob-check-image"]],
    ["StatefulSet", ["check-image", "autogen-check-image"]],
    ["", ["check-image"]],
    ["Deployment;CronJob", ["check-image", "autogen-check-image", "autogen-cronjob-check-image"]],
  ])("the annotation %s", (wanted, names) => {
    const annotations = { "pod-policies.kyverno.io/autogen-controllers": wanted };
    expect(rulesOf({ rules: [podRule()] }, { annotations }).map((rule) => rule.name)).toEqual(names);
  });
  test.each([
    ["apps/v1/Deployment", ["apps/v1/Deployment"]],
    ["*", ["*"]],
    ["All", ["All"]],
    ["Foo,Deployment", ["apps/v1/Deployment"]],
    ["CronJob,Pod", ["Pod"]],
  ])("the annotation %s names no controllers only: its words are the kinds", (wanted, kinds) => {
    const annotations = { "pod-policies.kyverno.io/autogen-controllers": wanted };
    const rules = rulesOf({ rules: [podRule()] }, { annotations });
    expect(rules.find(({ name }) => name === "autogen-check-image")?.match.filters).toEqual([{ kinds }]);
  });
  test.each([
    ["Deployment, StatefulSet", ["apps/v1/Deployment", "apps/v1/StatefulSet"]],
    ["all,none", 6],
    ["DaemonSet,all", 6],
  ])("the annotation %s is read as it is meant", (wanted, kinds) => {
    const annotations = { "pod-policies.kyverno.io/autogen-controllers": wanted };
    const generated = rulesOf({ rules: [podRule()] }, { annotations })[1]?.match.filters[0]?.kinds;
    if (typeof kinds === "number") expect(generated).toHaveLength(kinds);
    else expect(generated).toEqual(kinds);
  });
  test("every filter of a CronJob's rule is about CronJobs, also one that names no kind", () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }, { resources: { namespaces: ["x"] } }] };
    const [, controllers, cronJob] = rulesOf({ rules: [podRule({ match })] });
    expect(controllers?.match.filters[1]).toEqual({ namespaces: ["x"] });
    expect(cronJob?.match.filters).toEqual([
      { kinds: ["batch/v1/CronJob"] },
      { kinds: ["batch/v1/CronJob"], namespaces: ["x"] },
    ]);
  });
  test("what is excluded beside Pods does not exclude CronJobs", () => {
    const exclude = {
      any: [{ resources: { kinds: ["Pod"], namespaces: ["x"] } }, { resources: { kinds: ["Secret"] } }],
    };
    const cronJob = rulesOf({ rules: [podRule({ exclude })] })[2];
    expect(cronJob?.exclude?.filters).toEqual([
      { kinds: ["batch/v1/CronJob"], namespaces: ["x"] },
      { kinds: ["Secret"] },
    ]);
  });
  test("references are shifted under every key of a condition's value", () => {
    const value = { path: "{{ request.object.spec.a }}", source: "{{ request.object.spec.b }}" };
    const preconditions = { all: [{ key: "k", operator: "Equals", value }] };
    const template = rulesOf({ rules: [podRule({ preconditions })] })[1];
    expect(JSON.stringify(template?.preconditions)).toContain("spec.template.spec.a");
    expect(JSON.stringify(template?.preconditions)).toContain("spec.template.spec.b");
    expect(template?.path).toBe("spec.rules[0]");
  });
  test("empty annotations say nothing, so that rules are generated", () => {
    const match = { any: [{ resources: { kinds: ["Pod"], annotations: {} } }] };
    expect(rulesOf({ rules: [podRule({ match })] })).toHaveLength(3);
  });
  test("another rule whose name begins with autogen- is kept", () => {
    const rules = rulesOf({ rules: [podRule(), podRule({ name: "autogen-own" })] });
    expect(rules.map(({ name }) => name)).toContain("autogen-own");
  });
  test("a rule that an old cluster had generated is replaced", () => {
    const old = podRule({ name: "autogen-check-image", match: { resources: { kinds: ["Deployment"] } } });
    const rules = rulesOf({ rules: [podRule(), old] });
    expect(rules.map((rule) => `${rule.name} ${rule.autogenOf ?? ""}`)).toEqual([
      "check-image ",
      "autogen-check-image check-image",
      "autogen-cronjob-check-image check-image",
    ]);
  });
  test("image extractors are not carried into generated rules", () => {
    const imageExtractors = { Deployment: [{ path: "/spec/x" }] };
    expect(
      rulesOf({ rules: [podRule({ imageExtractors })] }).map((rule) => Object.keys(rule.imageExtractors)),
    ).toEqual([["Deployment"], [], []]);
  });
});
