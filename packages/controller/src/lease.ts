import type { Logger } from "@assay/engine";
import { CoordinationV1Api, type KubeConfig, type V1Lease, V1MicroTime } from "@kubernetes/client-node";
import { inTime, statusOf } from "./api-answer.ts";

/** Which Lease, for whom. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Unique per process. */
  readonly identity: string;
  /** Milliseconds without renewal after which another may take it. */
  readonly leaseMs: number;
  readonly logger: Logger | undefined;
}

/** Who holds the Lease; unknown where the API server did not answer in time, or refused. */
export type Holding = "ours" | "others" | "unknown";

/** A Lease (`coordination.k8s.io/v1`) that one of several processes holds. */
export interface Lease {
  /** Renews it, or takes it where nobody holds it any more. Answers within a third of the Lease's time. */
  hold(): Promise<Holding>;
  /** Frees it, where it is ours. What fails here, the end of its time makes good. */
  release(): Promise<void>;
}

/** The Lease, which is created where it is not there. */
export function leaseIn(config: KubeConfig, options: LeaseOptions): Lease {
  const { namespace, name, leaseMs, logger } = options;
  const api = config.makeApiClient(CoordinationV1Api);
  const isExpired = expiryWatch();
  const place = { namespace, name };

  const hold = async (): Promise<Holding> => {
    const lease = await readOrCreate(api, place);
    const expired = isExpired(lease);
    if (lease.spec?.holderIdentity && lease.spec.holderIdentity !== options.identity && !expired)
      return "others";
    // The resource version that was read makes this a compare-and-swap: of two takers one is answered 409.
    await api.replaceNamespacedLease({ ...place, body: taken(lease, options) });
    return "ours";
  };
  const release = async (): Promise<void> => {
    const lease = await api.readNamespacedLease(place);
    if (lease.spec?.holderIdentity !== options.identity) return;
    await api.replaceNamespacedLease({
      ...place,
      body: { ...lease, spec: { ...lease.spec, holderIdentity: "" } },
    });
  };
  return {
    hold: () =>
      inTime(hold(), leaseMs / 3).catch((error: unknown) => {
        logger?.warn({ error: String(error) }, "lease not renewed");
        return "unknown";
      }),
    release: () => inTime(release(), leaseMs / 3).catch(() => {}),
  };
}

/**
 * Tells whether a Lease stood unchanged for as long as its holder promised to renew it, by our clock alone: that of the
 * holder may be ahead or behind by any time (as in client-go, tools/leaderelection).
 */
function expiryWatch(): (lease: V1Lease) => boolean {
  let version: string | undefined;
  let since = performance.now();
  return ({ metadata, spec }) => {
    if (metadata?.resourceVersion !== version) {
      version = metadata?.resourceVersion;
      since = performance.now();
    }
    return performance.now() - since > (spec?.leaseDurationSeconds ?? 15) * 1000;
  };
}

function taken(lease: V1Lease, { identity, leaseMs }: LeaseOptions): V1Lease {
  const now = new V1MicroTime();
  const isNew = lease.spec?.holderIdentity !== identity;
  const transitions = (lease.spec?.leaseTransitions ?? 0) + 1;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      renewTime: now,
      ...(isNew ? { acquireTime: now, leaseTransitions: transitions } : {}),
    },
  };
}

async function readOrCreate(
  api: CoordinationV1Api,
  place: { readonly namespace: string; readonly name: string },
): Promise<V1Lease> {
  try {
    return await api.readNamespacedLease(place);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    const { namespace } = place;
    return api.createNamespacedLease({ namespace, body: { metadata: place, spec: {} } });
  }
}
