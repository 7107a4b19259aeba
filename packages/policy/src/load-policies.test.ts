import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { inspectPolicies, loadPolicies, PolicyError, positionOf } from "./index.ts";

const minimal = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed
spec:
  rules:
    - name: check
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - imageReferences: ["ghcr.io/org/*"]
          attestors: [{entries: [{keys: {publicKeys: "{{ keys.data.key }}"}}]}]
`;
const testdata = (name: string): string =>
  readFileSync(new URL(`../testdata/${name}`, import.meta.url), "utf8");
const findings = (text: string): readonly string[] =>
  inspectPolicies(text).diagnostics.map(({ severity, source, message, suggestion }) => {
    const hint = suggestion === undefined ? "" : ` (${suggestion}?)`;
    return `${severity === "error" ? "" : "warning "}${source.line}:${source.column} ${message}${hint}`;
  });

describe("loadPolicies", () => {
  test("fills in Kyverno's defaults", () => {
    const [policy] = loadPolicies(minimal).policies;
    expect(policy).toMatchObject({
      failureAction: "Audit",
      failurePolicy: "Fail",
      webhookTimeoutSeconds: 10,
    });
    expect(policy?.rules[0]?.verifyImages[0]).toMatchObject({
      mutateDigest: true,
      verifyDigest: true,
      required: true,
    });
    expect(policy?.rules.map((rule) => rule.name)).toEqual([
      "check",
      "autogen-check",
      "autogen-cronjob-check",
    ]);
  });
  test("returns policies that nobody can change", () => {
    const [policy] = loadPolicies(minimal).policies;
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(policy)).toBe(true);
  });
  test("knows where every field stands, and the nearest one above where it is not written", () => {
    const [policy] = loadPolicies({ text: minimal, file: "a.yaml" }).policies;
    if (policy === undefined) throw new Error("no policy");
    const at = (path: string) => positionOf(policy, path);
    expect(at("spec.rules[0].verifyImages[0].imageReferences[0]")).toEqual({
      file: "a.yaml",
      line: 10,
      column: 29,
    });
    expect(at("spec.rules[0].verifyImages[0].mutateDigest")).toEqual({
      file: "a.yaml",
      line: 10,
      column: 11,
    });
    expect(at("spec.nothing[7].here")).toEqual({ file: "a.yaml", line: 6, column: 3 });
  });
  test("unfolds lists and several files, and keeps documents of other kinds", () => {
    const indented = minimal.replace(/^/gm, "    ").replace("    apiVersion", "  - apiVersion");
    const list = `apiVersion: v1\nkind: List\nitems:\n${indented}`;
    const loaded = loadPolicies([
      list,
      { text: "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n---\n", file: "c.yaml" },
    ]);
    expect(loaded.policies.map((policy) => policy.name)).toEqual(["signed"]);
    expect(loaded.policies[0]?.source).toEqual({ file: "policy.yaml", line: 4, column: 5 });
    expect(loaded.others).toEqual([{ apiVersion: "v1", kind: "ConfigMap", data: { a: "b" } }]);
    expect(loaded.diagnostics.map((one) => one.message)).toEqual([
      "a ConfigMap is not a policy: it is not evaluated",
    ]);
  });
  test("reads JSON", () => {
    const policy = {
      apiVersion: "kyverno.io/v2beta1",
      kind: "Policy",
      metadata: { name: "p" },
      spec: { rules: [] },
    };
    expect(() => loadPolicies(JSON.stringify(policy))).toThrow("policy.yaml:1:83: `spec.rules` is empty");
  });
  test("gives an attestation the attestors of its entry", () => {
    const text = minimal.replace(
      "          attestors",
      "          attestations: [{type: t}]\n          attestors",
    );
    const entry = loadPolicies(text).policies[0]?.rules[0]?.verifyImages[0];
    expect(entry?.attestations[0]).toMatchObject({ inheritsAttestors: true, attestors: entry?.attestors });
  });
  test("says so where there is no policy", () => {
    expect(findings("apiVersion: v1\nkind: ConfigMap\n")).toEqual([
      "warning 2:7 a ConfigMap is not a policy: it is not evaluated",
      "warning 1:1 there is no policy here: nothing is verified",
    ]);
  });
  test("tells of empty text in attestors, which counts as absent", () => {
    const text = minimal.replace(
      'keys: {publicKeys: "{{ keys.data.key }}"}',
      'keyless: {subject: "", issuer: i, rekor: {pubkey: ""}, additionalExtensions: {a: ""}}, annotations: {a: ""}',
    );
    const said = "is empty, as if it were not there: nothing is demanded by it";
    expect(findings(text)).toEqual([`warning 11:54 \`subject\` ${said}`, `warning 11:85 \`pubkey\` ${said}`]);
  });
  test.each([
    ["attestations", "attestations:"],
    ["failureAction", "failureAction: null"],
    ["imageRegistryCredentials.secrets", "imageRegistryCredentials: {secrets: }"],
  ])("tells of an empty `%s`, which Kubernetes drops", (path, yaml) => {
    const message = `warning 12:11 \`spec.rules[0].verifyImages[0].${path}\` is empty, as if it were not there`;
    expect(findings(`${minimal}          ${yaml}\n`).map((one) => one.replace(/12:\d+/, "12:11"))).toEqual([
      message,
    ]);
  });
  test("has nothing to say of what tools leave empty", () => {
    expect(findings(minimal.replace("  name: signed", "  name: signed\n  creationTimestamp: null"))).toEqual(
      [],
    );
  });
  test("tells of variables in names of secrets, which are not filled in", () => {
    const text = `${minimal}          imageRegistryCredentials: {secrets: [plain, "{{ request.namespace }}/pull"]}\n`;
    expect(findings(text)).toEqual([
      expect.stringMatching(/^warning 12:55 variables in names of secrets are not filled in/),
    ]);
  });
  test("skips rules of other kinds with a warning", () => {
    const text = minimal.replace(
      "  rules:\n",
      "  rules:\n    - {name: other, match: {resources: {kinds: [Pod]}}, mutate: {}}\n",
    );
    expect(loadPolicies(text).policies[0]?.skippedRules).toEqual(["other"]);
    expect(findings(text)).toEqual([
      "warning 7:7 rule `other` is a `mutate` rule: it is skipped, only rules with verifyImages are evaluated",
    ]);
  });
  test.each(["k8s://ns/name", "awskms:///arn:aws:kms:eu-1:1:key/2", "hashivault://key"])(
    "takes %s in publicKeys as a key reference",
    (reference) => {
      const text = minimal.replace("{{ keys.data.key }}", reference);
      const entries = loadPolicies(text).policies[0]?.rules[0]?.verifyImages[0]?.attestors[0]?.entries;
      expect(entries?.[0]).toMatchObject({ kind: "key", kms: reference });
      expect(entries?.[0]).not.toHaveProperty("publicKeys");
    },
  );
});

describe("the policies of the page that started this", () => {
  test.each([
    [
      "original-page-1.yaml",
      [
        "warning 5:14 a ClusterPolicy has no namespace: it is ignored (Kyverno leaves the policy out: `A clusterpolicy should not have the namespace defined`)",
        "warning 7:28 `enforce` is deprecated, write `Enforce`",
        "warning 35:30 `predicateType` is deprecated, use `type`",
        "warning 63:30 `predicateType` is deprecated, use `type`",
      ],
    ],
    [
      "original-page-2.yaml",
      [
        "warning 6:28 `enforce` is deprecated, write `Enforce`",
        "warning 24:30 `predicateType` is deprecated, use `type`",
        "warning 31:30 `predicateType` is deprecated, use `type`",
        "warning 38:30 `predicateType` is deprecated, use `type`",
      ],
    ],
  ])("%s loads verbatim, with warnings only", (name, warnings) => {
    expect(loadPolicies(testdata(name)).policies).toHaveLength(1);
    expect(findings(testdata(name))).toEqual(warnings);
  });
  test("they mean what their author wrote", () => {
    const [policy] = loadPolicies(testdata("original-page-1.yaml")).policies;
    expect(policy).toMatchObject({ failureAction: "Enforce", webhookTimeoutSeconds: 30, background: false });
    expect(policy).not.toHaveProperty("namespace");
    // Pods and their controllers are named together: nothing is generated.
    expect(policy?.rules.map((rule) => rule.name)).toEqual([
      "verify-cosign-signature",
      "verify-keyless-signature",
    ]);
    expect(policy?.rules[1]?.verifyImages[0]?.attestors[0]?.entries[0]).toMatchObject({
      kind: "keyless",
      subject: "https://github.com/{{ORG}}/*",
      rekor: { url: "https://rekor.sigstore.dev", ignoreTlog: false },
    });
  });
});

test("every policy of the fixtures loads", () => {
  const directory = new URL("../../conformance/cases/fixtures/policies/", import.meta.url);
  for (const file of readdirSync(directory)) {
    expect(
      loadPolicies({ text: readFileSync(new URL(file, directory), "utf8"), file }).policies,
    ).toHaveLength(1);
  }
});

// What somebody types, and what comes back.
describe("mistakes", () => {
  test.each<[string, string, string, readonly string[]]>([
    [
      "a misspelt field",
      "imageReferences",
      "imageReferencs",
      ["10:11 unknown field `imageReferencs` (imageReferences?)"],
    ],
    [
      "a misspelt field that begins as another",
      "imageReferences",
      "imageReferance",
      ["10:11 unknown field `imageReferance` (imageReferences?)"],
    ],
    ["a singular", "verifyImages", "verifyImage", ["9:7 unknown field `verifyImage` (verifyImages?)"]],
    ["another case", "publicKeys", "publickeys", ["11:42 unknown field `publickeys` (publicKeys?)"]],
    ["a field of nobody", "name: check", "name: check\n      colour: red", ["8:7 unknown field `colour`"]],
    [
      "a wrong kind",
      "ClusterPolicy",
      "ClusterPolcy",
      ["2:7 `ClusterPolcy` is not a kind of kyverno.io/v1 (ClusterPolicy?)"],
    ],
    [
      "a version of nobody",
      "kyverno.io/v1",
      "kyverno.io/v1alpha9",
      [
        "1:13 `kyverno.io/v1alpha9` has no ClusterPolicy that can be read: use kyverno.io/v1 or kyverno.io/v2beta1 (kyverno.io/v1?)",
      ],
    ],
    [
      "another group",
      "kyverno.io/v1",
      "kyverno/v1",
      ["1:13 `ClusterPolicy` of `kyverno/v1` is not a Kyverno policy (kyverno.io/v1?)"],
    ],
    [
      "the newer policies",
      "kyverno.io/v1\nkind: ClusterPolicy",
      "policies.kyverno.io/v1\nkind: ImageValidatingPolicy",
      [
        "2:7 `ImageValidatingPolicy` (policies.kyverno.io/v1) is not supported: only ClusterPolicy and Policy of kyverno.io/v1 and v2beta1 are",
      ],
    ],
    [
      "no kind",
      "kind: ClusterPolicy\n",
      "",
      ["1:1 `kind` is missing: a policy begins with apiVersion and kind"],
    ],
    [
      "text for a list",
      '["ghcr.io/org/*"]',
      "ghcr.io/org/*",
      [
        "10:28 `spec.rules[0].verifyImages[0].imageReferences` must be a list, but is the text `ghcr.io/org/*`",
      ],
    ],
    [
      "a map for a list",
      "[Pod]",
      "{Pod: true}",
      ["8:41 `spec.rules[0].match.any[0].resources.kinds` must be a list, but is a map"],
    ],
    [
      "a number for text",
      "name: check",
      "name: 7",
      ["7:13 `spec.rules[0].name` must be text, but is `7`: put it in quotes"],
    ],
    [
      "yes for text",
      "name: check",
      "name: yes",
      ["7:13 `spec.rules[0].name` must be text, but is `true`: put it in quotes"],
    ],
    [
      "text for a flag",
      "          attestors",
      '          required: "no"\n          attestors',
      ["11:21 `spec.rules[0].verifyImages[0].required` must be true or false, but is the text `no`"],
    ],
    [
      "an empty item",
      "[Pod]",
      "[Pod, ~]",
      ["8:47 `spec.rules[0].match.any[0].resources.kinds[1]` must be text, but is empty"],
    ],
    [
      "an action of nobody",
      "spec:",
      "spec:\n  validationFailureAction: deny",
      ["6:28 `deny` is not one of Audit, Enforce, audit, enforce"],
    ],
    [
      "a timeout that no webhook has",
      "spec:",
      "spec:\n  webhookTimeoutSeconds: 60",
      ["6:26 `spec.webhookTimeoutSeconds` is 60: the timeout value must be between 1 and 30 seconds"],
    ],
    ["a duplicate key", "spec:", "kind: Policy\nspec:", ["5:1 duplicate key `kind`"]],
    [
      "a duplicate rule",
      "    - name: check",
      "    - {name: check, match: {resources: {kinds: [Pod]}}, validate: {}}\n    - name: check",
      [
        "warning 7:7 rule `check` is a `validate` rule: it is skipped, only rules with verifyImages are evaluated",
        "8:13 duplicate rule name: 'check'",
      ],
    ],
    ...["*", "*/*", "*/*/*"].map((kind): [string, string, string, readonly string[]] => [
      `every kind, as ${kind}`,
      "[Pod]",
      `["${kind}"]`,
      ["8:14 wildcard policy does not support rule type verifyImages: name the kinds"],
    ]),
    ["no kinds at all", "{kinds: [Pod]}", "{}", ["8:14 match cannot be empty: name the kinds of resources"]],
    [
      "any and all",
      "match: {any:",
      "match: {all: [{resources: {kinds: [Job]}}], any:",
      ["8:14 can't specify any and all together"],
    ],
    [
      "any and resources",
      "match: {any:",
      "match: {resources: {kinds: [Job]}, any:",
      ["8:14 can't specify any/all together with match resources"],
    ],
    [
      "a variable in match",
      "[Pod]",
      '["{{ kind }}"]',
      ["8:42 rule should not have variables in match section"],
    ],
    [
      "admission switched off",
      "spec:",
      "spec:\n  admission: false",
      ["6:14 disabling admission processing is only allowed with validation policies"],
    ],
    [
      "CEL conditions",
      "spec:",
      "spec:\n  webhookConfiguration: {matchConditions: [{name: a, expression: 'true'}]}",
      ["6:43 `matchConditions` (CEL) are not evaluated: use match, exclude or preconditions"],
    ],
    [
      "both timeouts",
      "spec:",
      "spec:\n  webhookTimeoutSeconds: 5\n  webhookConfiguration: {timeoutSeconds: 6}",
      [
        "6:26 remove the deprecated field webhookTimeoutSeconds and use spec.webhookConfiguration.timeoutSeconds instead",
      ],
    ],
    [
      "an operator of nobody",
      "      verifyImages",
      "      preconditions: {all: [{key: a, operator: Equalz, value: b}]}\n      verifyImages",
      ["9:48 entered value of `operator` is invalid: `Equalz` (Equals?)"],
    ],
    [
      "an operator of old",
      "      verifyImages",
      "      preconditions: [{key: '{{ request.namespace }}', operator: NotEqual, value: b}]\n      verifyImages",
      ["warning 9:66 `NotEqual` is deprecated, write `NotEquals`"],
    ],
    [
      "two sources of a variable",
      "      verifyImages",
      "      context: [{name: a, variable: {value: 1}, configMap: {name: b}}]\n      verifyImages",
      [
        "9:17 context entry `a`: exactly one of configMap or apiCall or imageRegistry or variable is required for context entries",
      ],
    ],
    [
      "a reserved variable",
      "      verifyImages",
      "      context: [{name: images, variable: {value: 1}}]\n      verifyImages",
      ["9:17 entry name images is invalid as it conflicts with a pre-defined variable images"],
    ],
    [
      "an expression that is none",
      "      verifyImages",
      "      preconditions: {all: [{key: '{{ request.object.spec..x }}', operator: Equals, value: '{{ 1 + }}'}]}\n      verifyImages",
      [
        "9:35 expression `request.object.spec..x` cannot be read: syntax error: expected an identifier, `[` or `{`, found `.`",
        "9:92 expression `1 +` cannot be read: syntax error: expected an expression, found the end of the expression",
      ],
    ],
    [
      "two operations in a rule",
      "      verifyImages",
      "      validate: {}\n      verifyImages",
      [
        "7:7 multiple operations defined in the rule 'check', only one operation (mutate,validate,generate,verifyImages) is allowed per rule",
      ],
    ],
  ])("%s", (_, written, typed, wanted) => {
    const text = minimal.replace(written, typed);
    expect(text).not.toBe(minimal);
    expect(findings(text)).toEqual(wanted);
  });
  test("several mistakes are told together, in one error", () => {
    const text = minimal.replace("imageReferences", "images").replace("attestors", "attestor");
    expect(() => loadPolicies(text)).toThrow(PolicyError);
    expect(() => loadPolicies(text)).toThrow(
      /^policy\.yaml:10:11: unknown field `images`; .* \(and 1 more\)$/,
    );
  });
  test("a name of 100,000 spaces is told of at once, and one of many lines on one", () => {
    const kind = (name: string): string => JSON.stringify({ apiVersion: "v1", kind: name });
    const started = performance.now();
    expect(inspectPolicies(kind(`a${" ".repeat(100_000)}b`)).diagnostics).toHaveLength(2);
    expect(performance.now() - started).toBeLessThan(5_000);
    const [first] = inspectPolicies(kind("a \r\n  b  c")).diagnostics;
    expect(first?.message).toBe("a a b  c is not a policy: it is not evaluated");
  });
  test("a Policy may not name namespaces", () => {
    const text = minimal
      .replace("ClusterPolicy", "Policy")
      .replace("kinds: [Pod]", "kinds: [Pod], namespaces: [a]");
    expect(findings(text)).toEqual(["8:60 filtering namespaces not allowed in namespaced policies"]);
  });
  test("v2beta1 has none of the old fields", () => {
    const text = minimal
      .replace("kyverno.io/v1", "kyverno.io/v2beta1")
      .replace("attestors:", "key: k\n          attestors:");
    expect(findings(text)).toEqual(["11:11 unknown field `key`"]);
  });
});

describe("label selectors", () => {
  // Kyverno matches such a selector with nothing: the rule would apply to nothing, or exclude nothing.
  test.each([
    ["selector", "{key: app, operator: NotIn, values: ['x*']}", "x*"],
    ["namespaceSelector", "{key: 'team*', operator: Exists}", "team*"],
  ])("of a %s with %s is an error", (selector, expression, shown) => {
    const kinds = `kinds: [Pod], ${selector}: {matchExpressions: [${expression}]}`;
    expect(findings(minimal.replace("kinds: [Pod]", kinds))).toEqual([
      expect.stringContaining(`no label is like \`${shown}\`, and matchExpressions take no wildcards`),
    ]);
  });
});
