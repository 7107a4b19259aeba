import type { Asked } from "../comparison.ts";
import { type Container, type PodSpec, podOf, type Workload } from "./objects.ts";
import { type Asker, asker, type Review, reviewBy } from "./reviews.ts";
import { signedReference, signedWorkload } from "./several.ts";
import type { Scope } from "./surroundings.ts";

/** An object from its creation on: each request is about what the ones before have made of it. */
export interface History {
  readonly object: Workload;
  readonly steps: readonly Step[];
}

/** One request of a history. */
export interface Step {
  readonly by: Asker;
  /** Whose patches are stored. */
  readonly patchedBy: "kyverno" | "assay";
  readonly change: Change;
}

/** What is wanted of an object; what its kind does not have comes to an update that changes nothing. */
type Change =
  | { readonly what: "nothing" | "delete" | "beginDeletion" | "end" }
  | { readonly what: "labels"; readonly labels: Readonly<Record<string, string>> }
  | { readonly what: "annotations"; readonly annotations: Readonly<Record<string, string>> }
  | { readonly what: "image"; readonly index: number; readonly image: string }
  | { readonly what: "tag"; readonly index: number }
  | { readonly what: "add" | "ephemeral"; readonly image: string }
  | { readonly what: "remove" }
  | { readonly what: "replicas" | "scale"; readonly replicas: number };

/** What is to be done to an object, whatever becomes of each step. */
export function history(scope: Scope, length: number): History {
  const { random } = scope;
  const made = signedWorkload(scope);
  const { generateName: _, ...metadata } = made.metadata;
  const step = (): Step => ({
    by: asker(scope),
    patchedBy: random.one(["kyverno", "kyverno", "assay"]),
    change: change(scope),
  });
  return {
    object: { ...made, metadata: { name: "h", ...metadata } },
    steps: Array.from({ length }, step),
  };
}

function change(scope: Scope): Change {
  const { random } = scope;
  const what = random.one([
    ...([
      "nothing",
      "labels",
      "labels",
      "annotations",
      "image",
      "image",
      "image",
      "tag",
      "add",
      "remove",
    ] as const),
    ...([
      "ephemeral",
      "ephemeral",
      "replicas",
      "replicas",
      "scale",
      "delete",
      "beginDeletion",
      "end",
    ] as const),
  ]);
  switch (what) {
    case "labels":
      return { what, labels: random.one([{ app: "web" }, { app: "api" }, { n: "1" }, { env: "prod" }]) };
    case "annotations":
      return { what, annotations: random.one([{ note: "yes" }, { "kyverno.io/verify-images": "{}" }]) };
    case "image":
      return { what, index: random.below(3), image: signedReference(scope) };
    case "tag":
      return { what, index: random.below(3) };
    case "add":
    case "ephemeral":
      return { what, image: signedReference(scope) };
    case "replicas":
    case "scale":
      return { what, replicas: random.below(5) };
    default:
      return { what };
  }
}

/**
 * Each request of a set, as its answers allow it; `answered` says what became of the one before. What is denied stays as it
 * was, and a first object is then taken for one that was there before the policies.
 */
export function* historyOf({ object, steps }: History): Generator<Review, void, Asked | undefined> {
  let stored: Workload | undefined;
  for (const step of steps) {
    const review = reviewOfStep(step, object, stored);
    const answers = yield review;
    if (answers?.kyverno.allowed === true && answers.assay.allowed)
      stored = afterwards(review, answers[step.patchedBy].object, stored);
    else stored ??= object;
  }
}

/** What is stored then; undefined: it is deleted. */
function afterwards(
  { subResource }: Review,
  object: Workload | null,
  stored: Workload | undefined,
): Workload | undefined {
  if (object === null) return undefined;
  if (subResource !== "scale" || stored === undefined) return object;
  return { ...stored, spec: { ...stored.spec, ...object.spec } };
}

/** The request by which the change is made to what is stored; `undefined` there: it is made anew, without the change. */
function reviewOfStep({ by, change }: Step, made: Workload, stored: Workload | undefined): Review {
  if (stored === undefined) return reviewBy(by, { operation: "CREATE", object: made, oldObject: null });
  if (change.what === "delete") return reviewBy(by, { operation: "DELETE", object: null, oldObject: stored });
  if (change.what === "scale" && "replicas" in stored.spec) return scaling(by, stored, change.replicas);
  const operation = "UPDATE";
  if (change.what !== "ephemeral")
    return reviewBy(by, { operation, object: changedBy(change, stored), oldObject: stored });
  if (stored.kind !== "Pod") return reviewBy(by, { operation, object: stored, oldObject: stored });
  const object = structuredClone(stored);
  const list = podOf(object).ephemeralContainers ?? [];
  podOf(object).ephemeralContainers = [...list, { name: `e${list.length}`, image: change.image }];
  return reviewBy(by, { operation, object, oldObject: stored, subResource: "ephemeralcontainers" });
}

function scaling(by: Asker, stored: Workload, replicas: number): Review {
  const { name = "h", namespace } = stored.metadata;
  const scale = (count: unknown): Workload => ({
    ...{ apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name, namespace } },
    spec: { replicas: count },
  });
  const before = scale((stored.spec as { readonly replicas: unknown }).replicas);
  const about = { operation: "UPDATE", object: scale(replicas), oldObject: before } as const;
  return reviewBy(by, { ...about, subResource: "scale", parent: stored.kind });
}

/** A copy with the change, as far as the API server would take it. */
function changedBy(change: Change, stored: Workload): Workload {
  const object = structuredClone(stored);
  const { metadata } = object;
  switch (change.what) {
    case "labels":
      return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...change.labels } } };
    case "annotations":
      return {
        ...object,
        metadata: { ...metadata, annotations: { ...metadata.annotations, ...change.annotations } },
      };
    case "beginDeletion":
      return { ...object, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    case "end":
      return object.kind === "Pod" ? { ...object, status: { phase: "Succeeded" } } : object;
    case "replicas":
      return "replicas" in object.spec
        ? { ...object, spec: { ...object.spec, replicas: change.replicas } }
        : object;
    default:
      changeContainers(change, object.kind, podOf(object));
      return object;
  }
}

/** The API server lets no update change a Job's template, nor which containers a Pod has. */
function changeContainers(change: Change, kind: string, pod: PodSpec): void {
  const list: Container[] = pod.containers ?? [];
  if (kind === "Job") return;
  if (change.what === "image" || change.what === "tag") {
    const container = list[change.index % list.length];
    if (container === undefined) return;
    container.image = change.what === "image" ? change.image : container.image.replace(/@.*$/, "");
  }
  if (kind === "Pod") return;
  if (change.what === "add") list.push({ name: `c${list.length}`, image: change.image });
  if (change.what === "remove" && list.length > 1) list.shift();
}
