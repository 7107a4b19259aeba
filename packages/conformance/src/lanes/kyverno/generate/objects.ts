import { reference } from "./references.ts";
import type { Scope } from "./surroundings.ts";

/** An object that is judged. */
export interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
  readonly spec: object;
  readonly status?: object;
}

/** A container, by its list and what it is called there. */
export interface Container {
  readonly name: string;
  image: string;
}

/** The part of an object that holds containers, or a Task's steps. */
export interface PodSpec {
  initContainers?: Container[];
  containers?: Container[];
  ephemeralContainers?: Container[];
  steps?: Container[];
}

/** A kind that the comparison makes objects of. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Where its Pod's spec is. */
  readonly pod: readonly string[];
}

const template = ["spec", "template", "spec"];
const apps = { group: "apps", version: "v1", pod: template };

/** By their names. */
export const kinds: Readonly<Record<string, Kind>> = {
  Pod: { group: "", version: "v1", resource: "pods", pod: ["spec"] },
  Deployment: { ...apps, resource: "deployments" },
  StatefulSet: { ...apps, resource: "statefulsets" },
  DaemonSet: { ...apps, resource: "daemonsets" },
  ReplicaSet: { ...apps, resource: "replicasets" },
  ReplicationController: { group: "", version: "v1", resource: "replicationcontrollers", pod: template },
  Job: { group: "batch", version: "v1", resource: "jobs", pod: template },
  CronJob: { group: "batch", version: "v1", resource: "cronjobs", pod: ["spec", "jobTemplate", ...template] },
  Task: { group: "tekton.dev", version: "v1", resource: "tasks", pod: ["spec"] },
};

/** What is written through a subresource of another kind. */
const scale: Kind = { group: "autoscaling", version: "v1", resource: "", pod: ["spec"] };

/** The kind of that name; throws for another. */
export function kindOf(name: string): Kind {
  const kind = name === "Scale" ? scale : kinds[name];
  if (kind === undefined) throw new Error(`there are no objects of kind ${name} here`);
  return kind;
}

/** A Pod's spec within an object, to be read or changed. */
export function podOf(object: Workload): PodSpec {
  return kindOf(object.kind).pod.reduce<unknown>(
    (node, step) => (node as Readonly<Record<string, unknown>>)[step],
    object,
  ) as PodSpec;
}

/** Lists of containers, in the order in which they are compared. */
const containerLists = ["initContainers", "containers", "ephemeralContainers", "steps"] as const;

/** Every image of an object, by where it stands. */
export function imagesOf(object: Workload | null): ReadonlyMap<string, string> {
  const pod = object === null ? {} : podOf(object);
  return new Map(
    containerLists.flatMap((list) =>
      (pod[list] ?? []).map(({ name, image }): [string, string] => [`${list}.${name}`, image]),
    ),
  );
}

/** An object of that kind in the set's namespace, of any images. */
export function workload(scope: Scope, kind: string): Workload {
  return workloadOf(scope, kind, podSpec);
}

/** The same with containers of one's own. */
export function workloadOf(scope: Scope, kind: string, pod: (scope: Scope) => PodSpec): Workload {
  const { random, namespace } = scope;
  const { group, version } = kindOf(kind);
  const labels = {
    ...random.maybe(0.6, () => ({ app: random.one(["web", "api"]) })),
    ...random.maybe(0.3, () => ({ env: random.one(["prod", "dev"]) })),
  };
  const annotations = {
    ...random.maybe(0.4, () => ({ "acme.example/level": "3" })),
    ...random.maybe(0.3, () => ({ note: "yes" })),
    ...random.maybe(0.1, () => ({ img: random.one(["docker://", ""]) + reference(scope) })),
    // What Kyverno itself would write, by someone else's hand.
    ...random.maybe(0.05, () => ({ "kyverno.io/verify-images": '{"x":"pass"}' })),
  };
  const name = random.one(["p0", "p1", "web", "x1"]);
  return {
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    metadata: {
      ...(kind === "Pod" && random.chance(0.05) ? { generateName: "web-" } : { name }),
      namespace,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: specOf(kind, pod(scope)),
  };
}

function podSpec(scope: Scope): PodSpec {
  const { random } = scope;
  const container = (name: string): Container => ({ name, image: reference(scope) });
  return {
    ...random.maybe(0.15, () => ({ initContainers: [container("i0")] })),
    containers: [...random.list([1, 1, 1, 1, 2, 3], (index) => container(`c${index}`))],
    ...random.maybe(0.03, () => ({ imagePullSecrets: [{ name: "nope" }] })),
  };
}

function specOf(kind: string, pod: PodSpec): object {
  const labels = { app: "x" };
  const made = { template: { metadata: { labels }, spec: pod } };
  const selector = { matchLabels: labels };
  const specs: Readonly<Record<string, object>> = {
    Pod: pod,
    Task: { steps: pod.containers },
    Job: made,
    CronJob: { schedule: "* * * * *", jobTemplate: { spec: made } },
    DaemonSet: { selector, ...made },
  };
  return specs[kind] ?? { selector, replicas: 2, ...made };
}
