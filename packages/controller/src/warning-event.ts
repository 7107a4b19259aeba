import { createHash } from "node:crypto";
import {
  CoreV1Api,
  type CoreV1Event,
  type KubeConfig,
  type V1ObjectReference,
} from "@kubernetes/client-node";
import { inTime, statusOf } from "./api-answer.ts";

/** What happened to which object. */
export interface Warning {
  readonly about: V1ObjectReference;
  readonly reason: "PolicyViolation" | "PolicyError";
  readonly message: string;
}

/**
 * Writes an Event of type Warning beside an object; in namespace `default` for one that is in none, as the API server
 * wants it. What was said before, by an earlier scan or another replica, is counted up and not said anew: a cluster that
 * is scanned every ten minutes would otherwise hold six Events an hour of each violation.
 */
export async function writeWarning(config: KubeConfig, warning: Warning, timeoutMs?: number): Promise<void> {
  const api = config.makeApiClient(CoreV1Api);
  const body = eventOf(warning, new Date());
  const { namespace = "", name = "" } = body.metadata;
  try {
    await inTime(api.createNamespacedEvent({ namespace, body }), timeoutMs);
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    await countUp(api, { namespace, name }, timeoutMs);
  }
}

/** INVARIANT: the name follows from what is said, so that whoever says the same writes the same Event. */
function eventOf({ about, reason, message }: Warning, now: Date): CoreV1Event {
  const namespace = about.namespace || "default";
  const said = JSON.stringify([
    about.apiVersion,
    about.kind,
    namespace,
    about.name,
    about.uid,
    reason,
    message,
  ]);
  return {
    metadata: { name: `assay-${createHash("sha256").update(said).digest("hex").slice(0, 32)}`, namespace },
    involvedObject: about,
    type: "Warning",
    reason,
    message: message.slice(0, 1024),
    source: { component: "assay-controller" },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

/** The resource version that was read makes this a compare-and-swap: of two who count at once, one counts. */
async function countUp(
  api: CoreV1Api,
  place: { readonly namespace: string; readonly name: string },
  timeoutMs: number | undefined,
): Promise<void> {
  try {
    const known = await inTime(api.readNamespacedEvent(place), timeoutMs);
    const body = { ...known, count: (known.count ?? 1) + 1, lastTimestamp: new Date() };
    await inTime(api.replaceNamespacedEvent({ ...place, body }), timeoutMs);
  } catch (error) {
    // Counted by another, or expired in between: then the next scan says it anew.
    const status = statusOf(error);
    if (status !== 409 && status !== 404) throw error;
  }
}
