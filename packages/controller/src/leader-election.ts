import type { KubeConfig } from "@kubernetes/client-node";
import { checkElection } from "./check-options.ts";
import type { LeaderElectionOptions } from "./controller-options.ts";
import { leaseIn } from "./lease.ts";
import { sleep } from "./sleep.ts";

/**
 * Runs `lead` while this process holds the Lease (`coordination.k8s.io/v1`), and aborts its signal when it no longer
 * does: when another holds it, or when it could not be renewed for two thirds of its time, so that whoever takes over
 * finds nobody leading. A write that was under way then may still arrive: what `lead` writes must bear that (reports are
 * whole objects, written by server-side apply). Where `lead` rejects, that is logged, and it is run anew. Resolves when
 * `signal` aborts. Rejects with a `ControllerError` `badOptions` that names what is missing.
 */
export async function electLeader(
  config: KubeConfig,
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  checkElection(options);
  const { namespace, name = "assay-controller", identity, leaseSeconds = 15, logger } = options;
  const leaseMs = leaseSeconds * 1000;
  const lease = leaseIn(config, { namespace, name, identity, leaseMs, logger });
  let term: Term | undefined;
  while (!signal.aborted) {
    const asked = performance.now();
    const holding = await lease.hold();
    if (holding === "others") term?.end();
    if (term?.signal.aborted) {
      term = undefined;
      logger?.warn({ identity }, "no longer leading");
    }
    if (holding === "ours") {
      term ??= beginTerm(lead, options, signal);
      term.endAt(asked + (leaseMs * 2) / 3);
    }
    await sleep(holding === "unknown" ? leaseMs / 15 : leaseMs / 3, signal);
  }
  if (term === undefined) return;
  term.end();
  await lease.release();
}

/** The time in which this process leads. */
interface Term {
  readonly signal: AbortSignal;
  /** It ends at that moment of `performance.now()`, unless another is named before. */
  endAt(moment: number): void;
  end(): void;
}

function beginTerm(
  lead: (signal: AbortSignal) => Promise<void>,
  { identity, logger }: LeaderElectionOptions,
  stop: AbortSignal,
): Term {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(timer);
    over.abort();
  };
  logger?.info({ identity }, "leading");
  lead(AbortSignal.any([over.signal, stop])).catch((error: unknown) => {
    logger?.error({ error: String(error) }, "leading failed");
    end();
  });
  return {
    signal: over.signal,
    endAt: (moment) => {
      clearTimeout(timer);
      if (!over.signal.aborted) timer = setTimeout(end, moment - performance.now()).unref();
    },
    end,
  };
}
