import { describe, expect, test } from "vitest";
import { type MatchRequest, matchRule, type ResourceFilter, type Rule, type UserInfo } from "../src/index.ts";
import { matchesKind, parseKindSelector } from "../src/match/kind-selector.ts";
import { matchesSelector } from "../src/match/label-selector.ts";

// Cases of Kyverno's unit tests of matching (kyverno/kyverno at 111e07b, Apache-2.0), under their names.

const place = { path: "", source: { file: "", line: 1, column: 1 } };
const rule = (
  match: readonly ResourceFilter[],
  exclude?: readonly ResourceFilter[],
  mode: "any" | "all" = "any",
): Rule => ({
  ...place,
  name: "test-rule",
  match: { ...place, path: "match", mode, filters: match },
  ...(exclude === undefined ? {} : { exclude: { ...place, path: "exclude", mode, filters: exclude } }),
  context: [],
  imageExtractors: {},
  verifyImages: [],
  reportProperties: {},
});
const cluster = { kind: "ClusterPolicy" } as const;
const matches = (filter: ResourceFilter, request: MatchRequest): boolean =>
  matchRule(rule([filter]), request, cluster).matched;

describe("pkg/utils/match/kind_test.go Test_CheckKind", () => {
  test.each([
    ["*", "", "v1", "Deployment", "", true],
    ["Pod", "", "v1", "Pod", "", true],
    ["v1/Pod", "", "v1", "Pod", "", true],
    ["tekton.dev/v1beta1/TaskRun", "tekton.dev", "v1beta1", "TaskRun", "", true],
    ["tekton.dev/*/TaskRun", "tekton.dev", "v1alpha1", "TaskRun", "", true],
    ["v1/Pod", "", "v1", "Pod", "status", false],
    ["v1/Pod", "", "v1", "Pod", "ephemeralcontainers", true],
    ["postgresdb", "acid.zalan.do", "v1", "postgresdb", "", true],
    ["Postgresdb", "acid.zalan.do", "v1", "postgresdb", "", false],
    ["networking.k8s.io/v1/NetworkPolicy/status", "networking.k8s.io", "v1", "NetworkPolicy", "status", true],
    ["v1/Pod.status", "", "v1", "Pod", "status", true],
    ["*/Pod.eviction", "", "v1", "Pod", "eviction", true],
    ["v1alpha1/Pod.eviction", "", "v1", "Pod", "eviction", false],
    ["Pod", "acme.example", "v1", "Pod", "ephemeralcontainers", false],
    ["Pod", "", "v2", "Pod", "ephemeralcontainers", false],
    ["Service", "", "v1", "Service", "ephemeralcontainers", false],
    ["Pod", "", "v1", "Pod", "exec", false],
  ])("%s of %s/%s/%s/%s: %s", (selector, group, version, kind, subresource, wanted) => {
    expect(matchesKind([selector], { group, version, kind, subresource })).toBe(wanted);
  });
});

test("Pod/* is Pods and their subresources, and nothing else's", () => {
  const wanted = { group: "", version: "v1", kind: "Pod" };
  for (const subresource of ["", "ephemeralcontainers", "status"])
    expect(matchesKind(["Pod/*"], { ...wanted, subresource })).toBe(true);
  expect(matchesKind(["Pod/*"], { ...wanted, kind: "Deployment", subresource: "" })).toBe(false);
});

describe("pkg/utils/kube/kind_test.go TestParseKindSelector", () => {
  test.each([
    ["*", "*", "*", "*", ""],
    ["*.*", "*", "*", "*", "*"],
    ["*/*", "*", "*", "*", "*"],
    ["Pod", "*", "*", "Pod", ""],
    ["v1/Pod", "*", "v1", "Pod", ""],
    ["v1beta10/Pod", "*", "v1beta10", "Pod", ""],
    ["storage.k8s.io/v1beta10/CSIDriver", "storage.k8s.io", "v1beta10", "CSIDriver", ""],
    ["v1alpha12/Pod/status", "*", "v1alpha12", "Pod", "status"],
    ["*/Pod/status", "*", "*", "Pod", "status"],
    ["*/pods", "*", "*", "*", "pods"],
    ["*/Pod", "*", "*", "Pod", ""],
    ["Pod/status", "*", "*", "Pod", "status"],
    ["Pod/*", "*", "*", "Pod", "*"],
    ["Pod.status", "*", "*", "Pod", "status"],
    ["Deployment/Scale", "*", "*", "Deployment", "Scale"],
    ["apps/v1/Deployment", "apps", "v1", "Deployment", ""],
    ["apps/v1/Deployment/scale", "apps", "v1", "Deployment", "scale"],
    ["a/b/c/d/e", "", "", "", ""],
  ])("%s", (text, group, version, kind, subresource) => {
    expect(parseKindSelector(text)).toEqual({ group, version, kind, subresource });
  });
});

describe("pkg/utils/match/annotations_test.go TestCheckAnnotations", () => {
  test.each<[Record<string, string>, Record<string, string>, boolean]>([
    [{ "test/*": "*" }, {}, false],
    [{ "test/*": "*" }, { "tes1/test": "*" }, false],
    [{ "test/*": "*" }, { "test/test": "*" }, true],
    [{ "test/*": "*" }, { "test/bar": "foo" }, true],
    [{ "test/b*": "*" }, { "test/bar": "foo" }, true],
    [{ "test/b*": "*", "test2/*": "*" }, { "test/bar": "foo" }, false],
    [{ "test/b*": "*", "test2/*": "*" }, { "test/bar": "foo", "test2/123": "bar" }, true],
    [
      { "test/b*": "*", "test2/*": "*" },
      { "test/bar": "foo", "test2/123": "bar", "test3/123": "bar2" },
      true,
    ],
  ])("%j in %j: %s", (annotations, actual, wanted) => {
    expect(matches({ annotations }, { resource: { kind: "Pod", metadata: { annotations: actual } } })).toBe(
      wanted,
    );
  });
});

describe("pkg/utils/match/labels_test.go TestCheckSelector", () => {
  const scale = { "test.io/scale": "foo", "test.io/functional": "bar" };
  test.each<[Record<string, string> | undefined, Record<string, string>, boolean]>([
    [undefined, {}, true],
    [undefined, { foo: "bar" }, true],
    [{ "test.io/*": "bar" }, { foo: "bar" }, false],
    [{ "scale.test.io/*": "bar" }, { foo: "bar" }, false],
    [{ "test.io/*": "bar" }, scale, true],
    [{ "test.io/*": "*" }, scale, true],
    [{ "test.io/*": "a*" }, scale, false],
    [{ "test.io/scale": "f??" }, scale, true],
    [{ "*": "*" }, scale, true],
    [{ "test.io/functional": "foo" }, scale, false],
    [{ "*": "*" }, {}, false],
    [{ "abc/def/ghi": "*" }, {}, false],
  ])("%j in %j: %s", (matchLabels, labels, wanted) => {
    expect(matchesSelector(matchLabels === undefined ? {} : { matchLabels }, labels)).toBe(wanted);
  });
  test.each<["In" | "NotIn" | "Exists" | "DoesNotExist", readonly string[], Record<string, string>, boolean]>(
    [
      ["In", ["a", "b"], { k: "a" }, true],
      ["In", ["a", "b"], { k: "c" }, false],
      ["In", ["a"], {}, false],
      ["NotIn", ["a"], { k: "b" }, true],
      ["NotIn", ["a"], { k: "a" }, false],
      ["NotIn", ["a"], {}, true],
      ["Exists", [], { k: "" }, true],
      ["Exists", [], {}, false],
      ["DoesNotExist", [], {}, true],
      ["DoesNotExist", [], { k: "" }, false],
    ],
  )("matchExpressions %s %j in %j: %s", (operator, values, labels, wanted) => {
    expect(matchesSelector({ matchExpressions: [{ key: "k", operator, values }] }, labels)).toBe(wanted);
  });
  // A selector that Kubernetes does not take matches nothing; taken literally, `NotIn` would hold for everything.
  test.each<[string, "In" | "NotIn" | "Exists" | "DoesNotExist", readonly string[]]>([
    ["k", "NotIn", ["x*"]],
    ["k", "NotIn", ["x", "-x"]],
    ["k", "In", ["a", "a b"]],
    ["k*", "DoesNotExist", []],
    ["a/b/c", "DoesNotExist", []],
    ["A.com/k", "DoesNotExist", []],
    ["/k", "DoesNotExist", []],
    ["k".repeat(64), "DoesNotExist", []],
  ])("matchExpressions %s %s %j hold for nothing", (key, operator, values) => {
    expect(matchesSelector({ matchExpressions: [{ key, operator, values }] }, { k: "a" })).toBe(false);
    const exclude = { kinds: ["Pod"], selector: { matchExpressions: [{ key, operator, values }] } };
    const request = { resource: { apiVersion: "v1", kind: "Pod", metadata: { labels: { k: "a" } } } };
    expect(matchRule(rule([{ kinds: ["Pod"] }], [exclude]), request, cluster).matched).toBe(true);
  });
});

describe("pkg/utils/match/subjects_test.go TestCheckSubjects", () => {
  const sa = (name: string, namespace: string) => [{ kind: "ServiceAccount", name, namespace }];
  const user = (name: string) => [{ kind: "User", name }];
  const group = (name: string) => [{ kind: "Group", name }];
  test.each<[string, NonNullable<ResourceFilter["subjects"]>, UserInfo, boolean]>([
    [
      "ServiceAccount exact match",
      sa("default", "kube-system"),
      { username: "system:serviceaccount:kube-system:default" },
      true,
    ],
    [
      "ServiceAccount no match - different namespace",
      sa("default", "kube-system"),
      { username: "system:serviceaccount:default:default" },
      false,
    ],
    [
      "ServiceAccount no match - different name",
      sa("admin", "kube-system"),
      { username: "system:serviceaccount:kube-system:default" },
      false,
    ],
    [
      "ServiceAccount wildcard name match",
      sa("*", "kube-system"),
      { username: "system:serviceaccount:kube-system:any-sa" },
      true,
    ],
    [
      "ServiceAccount wildcard namespace via pattern",
      sa("kyverno", "kyverno*"),
      { username: "system:serviceaccount:kyverno-system:kyverno" },
      true,
    ],
    ["User exact match", user("alice"), { username: "alice" }, true],
    ["User no match", user("alice"), { username: "bob" }, false],
    ["User wildcard match", user("admin-*"), { username: "admin-alice" }, true],
    ["User wildcard no match", user("admin-*"), { username: "user-alice" }, false],
    [
      "Group exact match",
      group("system:masters"),
      { username: "admin", groups: ["system:authenticated", "system:masters"] },
      true,
    ],
    [
      "Group no match",
      group("system:masters"),
      { username: "user", groups: ["system:authenticated"] },
      false,
    ],
    [
      "Group wildcard match",
      group("system:*"),
      { username: "user", groups: ["developers", "system:authenticated"] },
      true,
    ],
    ["Group empty groups in userInfo", group("admin"), { username: "user", groups: [] }, false],
    ["Group nil groups in userInfo", group("admin"), { username: "user" }, false],
  ])("%s", (_, subjects, userInfo, wanted) => {
    expect(matches({ subjects }, { resource: { kind: "Pod" }, userInfo })).toBe(wanted);
  });
});

describe("pkg/engine/utils/match_test.go TestCheckNameSpace", () => {
  const pod = (namespace: string) => ({ kind: "Pod", metadata: { namespace } });
  test.each([
    ["exact namespace match", ["default"], pod("default"), true],
    ["namespace not in list", ["production", "staging"], pod("default"), false],
    ["wildcard namespace match", ["prod-*"], pod("prod-us-east"), true],
    [
      "namespace resource uses name instead of namespace",
      ["kube-system"],
      { kind: "Namespace", metadata: { name: "kube-system" } },
      true,
    ],
    [
      "namespace resource name not in list",
      ["default"],
      { kind: "Namespace", metadata: { name: "production" } },
      false,
    ],
    ["wildcard match all namespaces", ["*"], pod("any-namespace"), true],
    [
      "multiple namespace patterns with one match",
      ["dev-*", "test-*", "prod-*"],
      pod("test-environment"),
      true,
    ],
    [
      "cluster scoped resource with empty namespace",
      [""],
      { kind: "ClusterRole", metadata: { name: "admin" } },
      true,
    ],
    ["prefix wildcard", ["kube-*"], pod("kube-system"), true],
    ["suffix wildcard", ["*-system"], pod("kube-system"), true],
    ["middle wildcard", ["kube-*-system"], pod("kube-test-system"), true],
    ["no match", ["prod-*"], pod("staging-app"), false],
    ["single char mismatch", ["defaultx"], pod("default"), false],
  ])("%s", (_, namespaces, resource, wanted) => {
    expect(matches({ namespaces }, { resource })).toBe(wanted);
  });
  test("TestMatchesResourceDescription_NamespaceMismatch", () => {
    const resource = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "test-pod", namespace: "production" },
    };
    expect(
      matchRule(rule([{ kinds: ["Pod"] }]), { resource }, { kind: "Policy", namespace: "development" }),
    ).toEqual({
      matched: false,
      reason:
        "policy and resource namespaces mismatch: the policy is for `development`, the resource is in `production`",
      path: "metadata.namespace",
      isOfKind: true,
    });
  });
});

describe("match and exclude (pkg/engine/utils/match.go)", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "prod", labels: { app: "web" } },
  };
  const unlabelled = { matchExpressions: [{ key: "enforce", operator: "DoesNotExist" }] } as const;
  const reason = (one: Rule, request: Partial<MatchRequest> = {}): string => {
    const found = matchRule(one, { resource: pod, ...request }, cluster);
    return found.matched ? "matched" : found.reason;
  };
  test.each<[string, Rule, Partial<MatchRequest>, string]>([
    ["no filter", rule([]), {}, "match cannot be empty"],
    ["an empty filter", rule([{}]), {}, "match cannot be empty"],
    ["another kind", rule([{ kinds: ["Job"] }]), {}, "kind does not match: `v1/Pod` is none of Job"],
    ["another name", rule([{ names: ["db-*"] }]), {}, "none of the names match: `web-1` is none of db-*"],
    [
      "another operation",
      rule([{ operations: ["DELETE"] }]),
      {},
      "operation does not match: `CREATE` is none of DELETE",
    ],
    [
      "two attributes",
      rule([{ kinds: ["Job"], names: ["x"] }]),
      {},
      "kind does not match: `v1/Pod` is none of Job; none of the names match: `web-1` is none of x",
    ],
    ["any of two", rule([{ kinds: ["Job"] }, { kinds: ["Pod"] }]), {}, "matched"],
    [
      "all of two",
      rule([{ kinds: ["Job"] }, { kinds: ["Pod"] }], undefined, "all"),
      {},
      "kind does not match: `v1/Pod` is none of Job",
    ],
    [
      "namespaceSelector",
      rule([{ namespaceSelector: { matchLabels: { env: "prod" } } }]),
      { namespaceLabels: {} },
      "namespace selector does not match labels",
    ],
    [
      "namespaceSelector, where labels are not known",
      rule([{ namespaceSelector: { matchLabels: { env: "prod" } } }]),
      {},
      "matched",
    ],
    [
      "an excluded namespaceSelector that asks for nothing, where labels are known",
      rule([{ kinds: ["Pod"] }], [{ namespaceSelector: unlabelled }]),
      { namespaceLabels: {} },
      "resource excluded since one of the criteria excluded it",
    ],
    [
      "an excluded namespaceSelector that asks for nothing, where labels are not known",
      rule([{ kinds: ["Pod"] }], [{ namespaceSelector: unlabelled }]),
      {},
      "matched",
    ],
    [
      "namespaceSelector that holds",
      rule([{ namespaceSelector: { matchLabels: { env: "p*" } } }]),
      { namespaceLabels: { env: "prod" } },
      "matched",
    ],
    ["roles without an admission request", rule([{ kinds: ["Pod"], roles: ["ns:r"] }]), {}, "matched"],
    ["roles alone without an admission request", rule([{ roles: ["ns:r"] }]), {}, "match cannot be empty"],
    [
      "roles where only the user is known",
      rule([{ roles: ["ns:r"] }]),
      { userInfo: { username: "u" } },
      "matched",
    ],
    [
      "cluster roles where only the user is known",
      rule([{ clusterRoles: ["r"] }]),
      { userInfo: { groups: ["g"] } },
      "matched",
    ],
    [
      "excluded cluster roles where only the user is known",
      rule([{ kinds: ["Pod"] }], [{ clusterRoles: ["r"] }]),
      { userInfo: { username: "u" } },
      "matched",
    ],
    [
      "any excluded user, where the user is not known",
      rule([{ kinds: ["Pod"] }], [{ subjects: [{ kind: "User", name: "*" }] }]),
      {},
      "matched",
    ],
    [
      "any excluded user, where one is known",
      rule([{ kinds: ["Pod"] }], [{ subjects: [{ kind: "User", name: "*" }] }]),
      { userInfo: { username: "u" } },
      "resource excluded since one of the criteria excluded it",
    ],
    [
      "cluster roles of a user who has none",
      rule([{ clusterRoles: ["r"] }]),
      { userInfo: { username: "u", clusterRoles: [] } },
      "user info does not match clustersRoles for the given conditionBlock",
    ],
    [
      "roles of somebody else",
      rule([{ roles: ["ns:r"] }]),
      { userInfo: { roles: ["ns:s"] } },
      "user info does not match roles for the given conditionBlock",
    ],
    [
      "excluded by one of two",
      rule([{ kinds: ["Pod"] }], [{ names: ["x"] }, { names: ["web-*"] }]),
      {},
      "resource excluded since one of the criteria excluded it",
    ],
    [
      "excluded by all",
      rule([{ kinds: ["Pod"] }], [{ names: ["web-*"] }, { namespaces: ["prod"] }], "all"),
      {},
      "resource excluded since the combination of all criteria exclude it",
    ],
    [
      "not excluded by one of all",
      rule([{ kinds: ["Pod"] }], [{ names: ["x"] }, { namespaces: ["prod"] }], "all"),
      {},
      "matched",
    ],
    ["an empty exclusion", rule([{ kinds: ["Pod"] }], [{}]), {}, "matched"],
    [
      "excluded roles without an admission request",
      rule([{ kinds: ["Pod"] }], [{ roles: ["ns:r"] }]),
      {},
      "matched",
    ],
    ["an ephemeral container", rule([{ kinds: ["Pod"] }]), { subresource: "ephemeralcontainers" }, "matched"],
    [
      "another subresource",
      rule([{ kinds: ["Pod"] }]),
      { subresource: "status" },
      "kind does not match: `v1/Pod/status` is none of Pod",
    ],
  ])("%s", (_, one, request, wanted) => {
    expect(reason(one, request)).toBe(wanted);
  });
  test("generateName stands in for a missing name", () => {
    const resource = { kind: "Pod", metadata: { generateName: "web-" } };
    expect(matches({ names: ["web-*"] }, { resource })).toBe(true);
  });
});
