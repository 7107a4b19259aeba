import { type Container, kindOf, kinds, podOf, type Workload, workload } from "./objects.ts";
import { attestedReference, keylessReference, reference } from "./references.ts";
import type { Scope } from "./surroundings.ts";

/** Who asks. */
export interface User {
  readonly username: string;
  readonly groups: readonly string[];
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** `request` of an AdmissionReview. */
export interface Review {
  readonly uid: string;
  readonly kind: GroupVersion & { readonly kind: string };
  readonly resource: GroupVersion & { readonly resource: string };
  readonly requestKind: GroupVersion & { readonly kind: string };
  readonly requestResource: GroupVersion & { readonly resource: string };
  readonly subResource?: string;
  readonly requestSubResource?: string;
  readonly name?: string;
  readonly namespace: string;
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly userInfo: User;
  readonly object: Workload | null;
  readonly oldObject: Workload | null;
  readonly dryRun: boolean;
  readonly options: null;
}

/** A request about any kind, by any user. */
export function review(scope: Scope): Review {
  const { random } = scope;
  const kind = random.chance(0.6) ? "Pod" : random.one(Object.keys(kinds));
  const operation = random.one([
    "CREATE",
    "CREATE",
    "CREATE",
    "CREATE",
    "UPDATE",
    "UPDATE",
    "DELETE",
  ] as const);
  if (operation === "CREATE")
    return reviewOf(scope, { operation, object: workload(scope, kind), oldObject: null });
  const oldObject = named(workload(scope, kind));
  if (operation === "DELETE") return reviewOf(scope, { operation, object: null, oldObject });
  const object = structuredClone(oldObject);
  if (kind === "Pod" && random.chance(0.35)) {
    podOf(object).ephemeralContainers = [{ name: "e0", image: reference(scope) }];
    return reviewOf(scope, { operation, object, oldObject, subResource: "ephemeralcontainers" });
  }
  return reviewOf(scope, { operation, object: changed(scope, object), oldObject });
}

/** A new Pod of one image that has attestations. */
export function attestedReview(scope: Scope): Review {
  return podOfOne(scope, attestedReference(scope));
}

/** A new Pod of one image that a keyless identity signed. */
export function keylessReview(scope: Scope): Review {
  return podOfOne(scope, keylessReference(scope));
}

function podOfOne(scope: Scope, image: string): Review {
  const pod = workload(scope, "Pod");
  const spec = { containers: [{ name: "c0", image }] };
  return reviewOf(scope, { operation: "CREATE", object: { ...pod, spec }, oldObject: null });
}

/** What is stored has a name, whatever its maker left to the API server. */
function named(object: Workload): Workload {
  const { metadata, ...rest } = object;
  return { ...rest, metadata: { ...metadata, name: metadata.name ?? "gen" } };
}

/** The object with another image, a container more or a label, as far as the API server would take that. */
export function changed(
  scope: Scope,
  object: Workload,
  image: (scope: Scope) => string = reference,
): Workload {
  const { random } = scope;
  const pod = podOf(object);
  const list: Container[] = pod.containers ?? pod.steps ?? [];
  // The API server lets no update change a Job's template, nor the containers that a Pod has.
  const mayChange = object.kind !== "Job";
  const mayAdd = mayChange && object.kind !== "Pod";
  if (mayChange && random.chance(0.5)) random.one(list).image = image(scope);
  else if (mayAdd && random.chance(0.5)) list.push({ name: `c${list.length}`, image: image(scope) });
  else return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, n: "1" } } };
  return object;
}

function reviewOf(scope: Scope, about: About): Review {
  return reviewBy(asker(scope), about);
}

/** What a review is about. */
export type About = Pick<Review, "operation" | "object" | "oldObject"> & {
  readonly subResource?: string;
  /** Whose subresource it is, where that has another kind. */
  readonly parent?: string;
};

/** Who asks, and how. */
export type Asker = Pick<Review, "uid" | "userInfo" | "dryRun">;

/** Anyone. */
export function asker({ random, namespace }: Scope): Asker {
  return {
    uid: `${random.below(1e9)}-0000`,
    userInfo: random.one(users(namespace)),
    dryRun: random.chance(0.1),
  };
}

/** The request of somebody about something; throws where that is nothing. */
export function reviewBy(by: Asker, about: About): Review {
  const object = about.object ?? about.oldObject;
  if (object === null) throw new Error("a review is about something");
  const { group, version } = kindOf(object.kind);
  const parent = kindOf(about.parent ?? object.kind);
  const kind = { group, version, kind: object.kind };
  const resource = { group: parent.group, version: parent.version, resource: parent.resource };
  const { subResource, operation, oldObject } = about;
  const { name, namespace } = object.metadata;
  return {
    ...by,
    ...{ kind, resource, requestKind: kind, requestResource: resource },
    ...(subResource !== undefined && { subResource, requestSubResource: subResource }),
    ...(name !== undefined && { name }),
    ...{ namespace, operation, object: about.object, oldObject, options: null },
  };
}

/** The bindings of the world say which roles they have. */
function users(namespace: string): readonly User[] {
  const authenticated = "system:authenticated";
  const accounts = "system:serviceaccounts";
  return [
    { username: "alice", groups: [authenticated] },
    { username: "vera", groups: [authenticated] },
    { username: "dora", groups: ["devs", authenticated] },
    { username: "ed", groups: [] },
    {
      username: `system:serviceaccount:${namespace}:ci`,
      groups: [accounts, `${accounts}:${namespace}`, authenticated],
    },
    { username: "admin", groups: ["system:masters"] },
  ];
}
