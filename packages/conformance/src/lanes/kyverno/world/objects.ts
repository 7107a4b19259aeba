import type { User } from "../generate/reviews.ts";
import type { KeyName } from "../generate/surroundings.ts";

/** How many sets hold at once, each in a namespace of its own. */
export const NAMESPACES = 16;

/** The namespaces' names. */
export const namespaces: readonly string[] = Array.from({ length: NAMESPACES }, (_, index) => `s${index}`);

/** Namespaces with this are Kyverno's to judge. */
export const judged: Readonly<Record<string, string>> = { live: "yes" };

/** What the API server has, which `namespaceSelector` and expressions ask. */
export function namespaceLabels(namespace: string): Readonly<Record<string, string>> | undefined {
  const index = namespaces.indexOf(namespace);
  if (index < 0) return undefined;
  return {
    env: ["prod", "dev", "test"][index % 3] ?? "",
    ...(index % 2 === 1 && { team: "pay" }),
    ...(index % 5 === 0 && { "acme.example/tier": "gold" }),
    ...judged,
    "kubernetes.io/metadata.name": namespace,
  };
}

/** What policies read, and who may do what. */
export function objects(pem: Readonly<Record<KeyName, string>>): readonly object[] {
  const here = { namespace: "kyverno" };
  const data = {
    a: pem.a,
    b: pem.b,
    ab: pem.a + pem.b,
    env: "prod",
    list: '["a","b"]',
    pattern: "https://*",
  };
  const key = Buffer.from(pem.a).toString("base64");
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "keys", ...here }, data },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cosign-a", ...here },
      data: { "cosign.pub": key },
    },
    binding("viewers", "ClusterRole/view", [user("vera"), { kind: "Group", apiGroup: RBAC, name: "devs" }]),
    ...namespaces.flatMap((namespace, index) => ofNamespace(namespace, index, pem.a)),
  ];
}

const RBAC = "rbac.authorization.k8s.io";
const user = (name: string): object => ({ kind: "User", apiGroup: RBAC, name });

function ofNamespace(namespace: string, index: number, key: string): readonly object[] {
  const here = { namespace };
  const data = { a: key, mode: index % 2 === 1 ? "on" : "off" };
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
  const account = { kind: "ServiceAccount", name: "ci", namespace };
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: namespaceLabels(namespace) },
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "local", ...here }, data },
    { apiVersion: `${RBAC}/v1`, kind: "Role", metadata: { name: "dep", ...here }, rules },
    binding("dep", "Role/dep", [user("dora"), account], namespace),
    binding("edit", "ClusterRole/edit", [user("dora"), user("ed")], namespace),
  ];
}

function binding(name: string, role: string, subjects: readonly object[], namespace?: string): object {
  const [kind, of] = role.split("/");
  return {
    apiVersion: `${RBAC}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    roleRef: { apiGroup: RBAC, kind, name: of },
    subjects,
  };
}

/** What Kyverno finds for a user in these bindings and in those that every API server has. */
export function rolesOf({ username, groups }: User): Roles {
  const account = /^system:serviceaccount:(.*):ci$/.exec(username)?.[1];
  const has = (name: string, holds: boolean): readonly string[] => (holds ? [name] : []);
  const isAuthenticated = groups.includes("system:authenticated");
  return {
    roles: [
      ...(username === "dora" ? namespaces.map((namespace) => `${namespace}:dep`) : []),
      ...(account === undefined ? [] : [`${account}:dep`]),
    ],
    clusterRoles: [
      ...has("view", username === "vera" || groups.includes("devs")),
      ...has("edit", username === "dora" || username === "ed"),
      ...has("cluster-admin", groups.includes("system:masters")),
      ...["system:basic-user", "system:discovery", "system:public-info-viewer"].flatMap((name) =>
        has(name, isAuthenticated),
      ),
    ],
  };
}

/** As `request.roles` and `request.clusterRoles` have them. */
export interface Roles {
  readonly roles: readonly string[];
  readonly clusterRoles: readonly string[];
}

/** A kind that no API server knows by itself, for `imageExtractors`. */
export const taskDefinition: object = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tasks.tekton.dev" },
  spec: {
    group: "tekton.dev",
    scope: "Namespaced",
    names: { kind: "Task", plural: "tasks" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
