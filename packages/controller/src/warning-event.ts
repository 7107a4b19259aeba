import { CoreV1Api, type KubeConfig, type V1ObjectReference } from "@kubernetes/client-node";

/** What happened to which object. */
export interface Warning {
  readonly about: V1ObjectReference;
  readonly reason: "PolicyViolation" | "PolicyError";
  readonly message: string;
  /** Of several Events with one name only the first is kept: for what more than one process sees. Default: a new name. */
  readonly name?: string;
}

/** Writes an Event of type Warning beside an object; in namespace `default` for one that is in none, as the API server wants it. */
export async function writeWarning(config: KubeConfig, { about, name, ...told }: Warning): Promise<void> {
  const namespace = about.namespace || "default";
  const now = new Date();
  const body = {
    metadata: { ...(name === undefined ? { generateName: "assay-" } : { name }), namespace },
    involvedObject: about,
    type: "Warning",
    reason: told.reason,
    message: told.message.slice(0, 1024),
    source: { component: "assay-controller" },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  try {
    await config.makeApiClient(CoreV1Api).createNamespacedEvent({ namespace, body });
  } catch (error) {
    const isKnown = name !== undefined && (error as { code?: unknown }).code === 409;
    if (!isKnown) throw error;
  }
}
