import { parseImageReference } from "@assay/image";
import { describe, expect, test } from "vitest";
import { exceptsImage, inspectPolicies, loadPolicies, type MatchRequest, matchException } from "../index.ts";

const policy = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: signed}
spec:
  rules:
    - name: check
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages: [{imageReferences: ["*"], attestors: [{entries: [{keys: {publicKeys: k}}]}]}]
`;
const exception = (spec: string, policyName = "signed"): string => `
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: legacy, namespace: legacy}
spec:
  exceptions: [{policyName: ${policyName}, ruleNames: [check, "autogen-*"]}]
  ${spec}
`;
const pods = "match: {any: [{resources: {kinds: [Pod], namespaces: [legacy]}}]}";
const request: MatchRequest = {
  resource: { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "legacy" } },
};

function reason(
  text: string,
  changes: { rule?: string; now?: string; request?: Partial<MatchRequest> } = {},
): string {
  const { policies, exceptions } = loadPolicies([policy, text]);
  const [one] = exceptions;
  const [about] = policies;
  if (one === undefined || about === undefined) throw new Error("nothing was loaded");
  const now = new Date(changes.now ?? "2026-06-01T00:00:00Z");
  const match = matchException(
    one,
    { policy: about, rule: changes.rule ?? "check", now },
    { ...request, ...changes.request },
  );
  return match.matched ? "matched" : match.reason;
}

describe("matchException", () => {
  const expiring = exception(`${pods}\n  expires: "2026-06-01T00:00:00Z"`);
  const admin = exception(
    "match: {any: [{resources: {kinds: [Pod]}, clusterRoles: [admin]}]}\n  background: false",
  );
  const elsewhere = { resource: { apiVersion: "v1", kind: "Pod", metadata: { namespace: "prod" } } };
  test.each<[string, string, Parameters<typeof reason>[1], string]>([
    ["what it names", exception(pods), {}, "matched"],
    ["a generated rule", exception(pods), { rule: "autogen-check" }, "matched"],
    ["another rule", exception(pods), { rule: "other" }, "it is not about rule `other`"],
    ["another policy", exception(pods, "signed-2"), {}, "it is not about policy `signed`"],
    [
      "one of several parts about the policy",
      exception(pods).replace("exceptions: [", "exceptions: [{policyName: signed, ruleNames: [other]}, "),
      {},
      "matched",
    ],
    ["a part of the name", exception(pods, "sign*"), {}, "it is not about policy `signed`"],
    [
      "another namespace",
      exception(pods),
      { request: elsewhere },
      "namespace does not match: `prod` is none of legacy",
    ],
    [
      "another operation than it names",
      exception("match: {any: [{resources: {kinds: [Pod], operations: [UPDATE]}}]}"),
      {},
      "operation does not match: `CREATE` is none of UPDATE",
    ],
    ["before it expires", expiring, { now: "2026-05-31T23:59:59Z" }, "matched"],
    ["when it expires", expiring, {}, "it expired at 2026-06-01T00:00:00Z"],
    ["its user", admin, { request: { userInfo: { clusterRoles: ["admin"] } } }, "matched"],
    [
      "a namespace whose labels are not known",
      exception(
        "match: {any: [{resources: {kinds: [Pod], namespaceSelector: {matchExpressions: [{key: enforce, operator: DoesNotExist}]}}}]}",
      ),
      {},
      "namespace selector does not match labels: those of namespace `legacy` are not known",
    ],
    // A rule's match asks nothing about users where there is no request; an exception must.
    ["nobody known", admin, {}, "user info does not match clustersRoles for the given conditionBlock"],
  ])("%s", (_, text, changes, wanted) => {
    expect(reason(text, changes)).toBe(wanted);
  });
});

describe("exceptsImage", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  test.each([
    ["no patterns", "", "nginx", true],
    ["a pattern", 'imageReferences: ["docker.io/nginx*"]', "nginx", true],
    ["another image", 'imageReferences: ["docker.io/nginx*"]', "redis", false],
    [
      "a tag beside a digest releases nothing",
      'imageReferences: ["docker.io/nginx:1"]',
      `nginx:1@${digest}`,
      false,
    ],
    ["the digest does", `imageReferences: ["docker.io/nginx@${digest}"]`, `nginx:1@${digest}`, true],
    ["an empty list excepts nothing", "imageReferences: []", "nginx", false],
  ])("%s", (_, more, image, wanted) => {
    const [one] = loadPolicies(exception(`${pods}\n  ${more}`)).exceptions;
    if (one === undefined) throw new Error("nothing was loaded");
    expect(exceptsImage(one, parseImageReference(image))).toBe(wanted);
  });
});

describe("exceptions that are refused", () => {
  test.each([
    ["no match", "background: true", "`spec.match` is missing"],
    ["an empty match", "match: {}", "match cannot be empty: name what is excepted"],
    ["users in the background", "match: {any: [{roles: ['a:b']}]}", "usage of user info is forbidden"],
    ["a time that is none", `${pods}\n  expires: tomorrow`, "`expires` must be an RFC 3339 time in quotes"],
    ["a date without time", `${pods}\n  expires: 2026-01-01`, "`expires` must be an RFC 3339 time in quotes"],
    // `{{ .Values.images }}` that filled in nothing must not except every image.
    ["patterns that are null", `${pods}\n  imageReferences:`, "`imageReferences` is empty: fill it in"],
    ["a time that is null", `${pods}\n  expires: ~`, "`expires` is empty: fill it in"],
    ["a misspelt field", `${pods}\n  expire: "2026-01-01T00:00:00Z"`, "unknown field `expire`"],
    [
      "a condition of nobody",
      `${pods}\n  conditions: {all: [{key: a, operator: Same, value: b}]}`,
      "`Same` is not one of",
    ],
  ])("%s", (_, spec, says) => {
    const errors = inspectPolicies(exception(spec)).diagnostics.filter((one) => one.severity === "error");
    expect(errors.map((one) => one.message).join("\n")).toContain(says);
  });
});

test("an exception names a namespaced policy with its namespace, and a ClusterPolicy without", () => {
  const { policies } = loadPolicies(
    [
      policy,
      policy
        .replace("kind: ClusterPolicy", "kind: Policy")
        .replace("{name: signed}", "{name: signed, namespace: legacy}"),
    ].join("\n---\n"),
  );
  const told = ["signed", "legacy/signed", "prod/signed"].map((policyName) => {
    const [one] = loadPolicies([policy, exception(pods, policyName)]).exceptions;
    if (one === undefined) throw new Error("nothing was loaded");
    const now = new Date("2026-06-01T00:00:00Z");
    return policies.map(
      (about) => matchException(one, { policy: about, rule: "check", now }, request).matched,
    );
  });
  expect(told).toEqual([
    [true, false],
    [false, true],
    [false, false],
  ]);
});
