import type { Scope } from "./surroundings.ts";

/** Where a filter stands. */
export interface FilterScope extends Scope {
  /** Of a ClusterPolicy: a Policy may not name namespaces, and needs none. */
  readonly isClusterWide: boolean;
  readonly block: "match" | "exclude";
  /** Says little beside kinds and namespace, so that what is behind it counts. */
  readonly isPlain: boolean;
}

/** `match` or `exclude` of a rule. */
export function filters(scope: FilterScope): object {
  const { random, block } = scope;
  const some = random.list([1, 1, 1, 2], () => filter(scope));
  if (random.chance(0.75)) return { any: some };
  // Kyverno refuses users in the old form of `exclude`.
  return block === "exclude" || random.chance(0.6) ? { all: some } : { ...some[0] };
}

/** One filter; what it is about is in the namespace of the set, wherever it may say so. */
export function filter(scope: FilterScope): object {
  const { random, block } = scope;
  const isExclude = block === "exclude";
  const whole = { ...resources(scope), ...users(scope) };
  if (!isExclude || random.chance(0.7)) return whole;
  const { resources: _, ...rest } = whole;
  if (random.chance(0.5)) return { ...rest, resources: { kinds: ["Pod"] } };
  return Object.keys(rest).length > 0 ? rest : { clusterRoles: ["edit"] };
}

function resources(scope: FilterScope): { readonly resources: object } {
  const { random, namespace, isClusterWide, block, isPlain } = scope;
  const isExclude = block === "exclude";
  const share = isPlain ? 0.04 : isExclude ? 0.3 : 0.2;
  const elsewhere = (): object => ({ namespaces: random.one([[namespace], ["s*"], ["other"]]) });
  return {
    resources: {
      kinds: random.chance(0.72) ? ["Pod"] : random.list([1, 2, 3], () => random.one(kinds)),
      ...(isClusterWide && !isExclude ? { namespaces: [namespace] } : {}),
      ...random.maybe(isClusterWide && isExclude ? 0.4 : 0, elsewhere),
      ...random.maybe(share, () =>
        random.chance(0.5)
          ? { name: random.one(["p*", "*", "p?", "web", "?*"]) }
          : { names: random.list([1, 2], () => random.one(["p*", "web", "p0", "x*"])) },
      ),
      ...random.maybe(share, () => ({ selector: random.one(selectors) })),
      ...random.maybe(share, () => ({ annotations: random.one(annotations) })),
      ...random.maybe(isClusterWide ? share : 0, () => ({ namespaceSelector: random.one(ofNamespaces) })),
      ...random.maybe(isPlain ? 0.08 : 0.2, () => ({ operations: random.one(operations) })),
    },
  };
}

function users({ random, namespace, block }: FilterScope): object {
  const isExclude = block === "exclude";
  const subjects = [
    ...["dora", "v*", "alice"].map((name) => ({ kind: "User", name })),
    { kind: "Group", name: "devs" },
    { kind: "ServiceAccount", name: "ci", namespace },
  ];
  return {
    ...random.maybe(isExclude ? 0.4 : 0.06, () => ({
      subjects: random.list([1, 2], () => random.one<object>(subjects)),
    })),
    ...random.maybe(isExclude ? 0.2 : 0.04, () => ({ roles: [`${namespace}:dep`] })),
    ...random.maybe(isExclude ? 0.2 : 0.04, () => ({
      clusterRoles: [random.one(["view", "edit", "cluster-admin"])],
    })),
  };
}

const kinds = [
  ...["Pod", "Pod", "Pod", "Pod", "Pod", "v1/Pod", "*/v1/Pod", "v2/Pod", "pod", "Po?", "P*", "v1/P*"],
  ...["Pod/ephemeralcontainers", "Pod.ephemeralcontainers", "Pod/*"],
  ...["Deployment", "apps/v1/Deployment", "*/Deployment", "apps/v1beta1/Deployment", "Deployment/scale"],
  ...["StatefulSet", "apps/*/StatefulSet", "DaemonSet", "ReplicaSet", "v1/ReplicationController"],
  ...["apps/v1/*", "Job", "*/*/Job", "CronJob", "batch/v1/CronJob", "batch/*/CronJob"],
  ...["Task", "tekton.dev/v1/Task", "tekton.dev/*/*"],
];

const selectors: readonly object[] = [
  { matchLabels: { app: "web" } },
  { matchLabels: { app: "w?b" } },
  { matchLabels: { "a*": "*" } },
  { matchExpressions: [{ key: "app", operator: "Exists" }] },
  { matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] },
  { matchExpressions: [{ key: "env", operator: "DoesNotExist" }] },
];

const annotations: readonly object[] = [
  { "acme.example/level": "*" },
  { "acme.example/*": "3" },
  { note: "yes" },
];

const ofNamespaces: readonly object[] = [
  { matchLabels: { env: "prod" } },
  { matchLabels: { env: "*" } },
  { matchLabels: { "acme.example/*": "gold" } },
  { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] },
  { matchExpressions: [{ key: "env", operator: "In", values: ["dev", "prod"] }] },
];

const operations = [["CREATE"], ["UPDATE"], ["CREATE", "UPDATE"], ["DELETE"], ["CREATE", "DELETE"]];
