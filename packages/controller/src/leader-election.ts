import type { Logger } from "@assay/engine";
import { CoordinationV1Api, type KubeConfig, type V1Lease, V1MicroTime } from "@kubernetes/client-node";
import { statusOf } from "./api-answer.ts";
import { sleep } from "./sleep.ts";

export interface LeaderElectionOptions {
  readonly namespace: string;
  /** Name of the Lease. Default `assay-controller`. */
  readonly name?: string;
  /** Unique per process, e.g. the Pod's name. */
  readonly identity: string;
  /** After how many seconds without renewal another may take over. Default 15. */
  readonly leaseSeconds?: number;
  readonly logger?: Logger;
}

/**
 * Runs `lead` while this process holds the Lease (`coordination.k8s.io/v1`), and aborts its signal when it no longer
 * does. Two leaders at once are possible only for as long as clocks differ: what `lead` writes must bear that
 * (reports are whole objects, written by server-side apply). Resolves when `signal` aborts.
 */
export async function electLeader(
  config: KubeConfig,
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const api = config.makeApiClient(CoordinationV1Api);
  const seconds = options.leaseSeconds ?? 15;
  let term: AbortController | undefined;
  while (!signal.aborted) {
    const held = await tryHold(api, options, seconds);
    if (held && term === undefined) {
      term = new AbortController();
      options.logger?.info({ identity: options.identity }, "leading");
      void lead(AbortSignal.any([term.signal, signal])).catch((error: unknown) =>
        options.logger?.error({ error: String(error) }, "leading failed"),
      );
    } else if (!held && term !== undefined) {
      term.abort();
      term = undefined;
      options.logger?.warn({ identity: options.identity }, "no longer leading");
    }
    await sleep((seconds * 1000) / 3, signal);
  }
  term?.abort();
  if (term !== undefined) await release(api, options);
}

async function tryHold(
  api: CoordinationV1Api,
  options: LeaderElectionOptions,
  seconds: number,
): Promise<boolean> {
  const { namespace } = options;
  const name = options.name ?? "assay-controller";
  try {
    const lease = await readOrCreate(api, namespace, name);
    if (!mayTake(lease, options.identity, Date.now())) return false;
    const now = new V1MicroTime();
    const taken = lease.spec?.holderIdentity !== options.identity;
    lease.spec = {
      ...lease.spec,
      holderIdentity: options.identity,
      leaseDurationSeconds: seconds,
      renewTime: now,
      ...(taken ? { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 } : {}),
    };
    // The resource version that was read makes this a compare-and-swap: of two takers one is answered 409.
    await api.replaceNamespacedLease({ namespace, name, body: lease });
    return true;
  } catch (error) {
    options.logger?.warn({ error: String(error) }, "lease not renewed");
    return false;
  }
}

async function readOrCreate(api: CoordinationV1Api, namespace: string, name: string): Promise<V1Lease> {
  try {
    return await api.readNamespacedLease({ namespace, name });
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return api.createNamespacedLease({ namespace, body: { metadata: { name, namespace }, spec: {} } });
  }
}

/** Free, ours, or not renewed for as long as its holder promised to. */
function mayTake(lease: V1Lease, identity: string, now: number): boolean {
  const spec = lease.spec;
  if (!spec?.holderIdentity || spec.holderIdentity === identity) return true;
  const renewed = spec.renewTime === undefined ? 0 : new Date(spec.renewTime).getTime();
  return now > renewed + (spec.leaseDurationSeconds ?? 15) * 1000;
}

async function release(api: CoordinationV1Api, options: LeaderElectionOptions): Promise<void> {
  const name = options.name ?? "assay-controller";
  try {
    const lease = await api.readNamespacedLease({ namespace: options.namespace, name });
    if (lease.spec?.holderIdentity !== options.identity) return;
    lease.spec = { ...lease.spec, holderIdentity: "" };
    await api.replaceNamespacedLease({ namespace: options.namespace, name, body: lease });
  } catch {
    // The lease runs out by itself.
  }
}
