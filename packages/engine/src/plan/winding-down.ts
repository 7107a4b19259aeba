import type { JsonObject } from "@assay/policy";
import { isObject } from "../is-object.ts";
import type { ObjectFacts } from "./object-facts.ts";

/**
 * The old object of an update after which no more runs than before: it is being deleted, it is a Pod that has ended, or all
 * that changes is that it wants fewer replicas. Images that it named then are not judged again: whoever refuses such an
 * update keeps what is not wanted (a finalizer stays, and the old ReplicaSet of a Deployment whose image was put right).
 * The old object is the API server's word. Undefined for everything else, which is judged as if it were new.
 */
export function windingDown({ request, operation, object }: ObjectFacts): JsonObject | undefined {
  const { oldResource: old, subresource = "" } = request;
  // One container more runs, perhaps of a tag that has moved since.
  if (operation !== "UPDATE" || !isObject(old) || subresource === "ephemeralcontainers") return undefined;
  if (isBeingDeleted(old) || isEnded(old)) return old;
  return subresource === "" && isScaledDown(old, object) ? old : undefined;
}

/** Nobody can take it back. */
function isBeingDeleted({ metadata }: JsonObject): boolean {
  return isObject(metadata) && typeof metadata["deletionTimestamp"] === "string";
}

/** Pods of Jobs keep a finalizer until the Job has counted them. */
function isEnded({ kind, status }: JsonObject): boolean {
  const phase = isObject(status) ? status["phase"] : undefined;
  return kind === "Pod" && (phase === "Succeeded" || phase === "Failed");
}

const scaled: readonly unknown[] = ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"];

/** Labels must stay, since by them an object may come to be one that policies are about. */
function isScaledDown(old: JsonObject, now: JsonObject): boolean {
  const [before, after] = [replicasOf(old), replicasOf(now)];
  if (!scaled.includes(now["kind"]) || before === undefined || after === undefined) return false;
  return after < before && text(restOf(old)) === text(restOf(now));
}

function replicasOf({ spec }: JsonObject): number | undefined {
  const replicas = isObject(spec) ? spec["replicas"] : undefined;
  return typeof replicas === "number" ? replicas : undefined;
}

/** What must be as it was. */
function restOf({ kind, metadata, spec }: JsonObject): readonly unknown[] {
  const labels = isObject(metadata) ? (metadata["labels"] ?? {}) : {};
  return [kind, labels, { ...(isObject(spec) ? spec : {}), replicas: 0 }];
}

/** In another order it is not the same, and judged: the API server always writes the same one. */
function text(value: unknown): string {
  return JSON.stringify(value);
}
