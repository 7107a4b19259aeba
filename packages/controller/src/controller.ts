import type { Evaluator } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import type { KubeConfig } from "@kubernetes/client-node";
import { scanCluster } from "./background-scan.ts";
import { checkOptions } from "./check-options.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { electLeader } from "./leader-election.ts";
import type { Kind } from "./list-pages.ts";
import { withDenials } from "./policy-denials.ts";
import { metadataOf, type PolicyDocuments } from "./policy-documents.ts";
import type { PolicyStanding } from "./policy-sieve.ts";
import { watchPolicies } from "./policy-watcher.ts";
import { tellRefusals } from "./refusal-events.ts";
import { type ReloadableEvaluator, reloadableEvaluator } from "./reloadable-evaluator.ts";
import { type Alarm, createAlarm } from "./sleep.ts";
import { watchKind } from "./watched-kind.ts";

const namespaceKind: Kind = { apiVersion: "v1", kind: "Namespace", plural: "namespaces" };

export interface Controller {
  /** For a webhook server in the same process: judges by the cluster's current policies. */
  readonly evaluator: ReloadableEvaluator;
  /** Labels of a namespace as they are now, for `namespaceSelector`; undefined where there is no such namespace. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  stop(): Promise<void>;
}

/**
 * Keeps an evaluator's policies equal to the cluster's, without restarts; with `scan`, the process that holds the Lease
 * judges what already runs and writes PolicyReports. Rejects with a `ControllerError` `badOptions` that names what is missing.
 */
export async function startController(config: KubeConfig, options: ControllerOptions): Promise<Controller> {
  checkOptions(config, options);
  const { logger } = options;
  const stop = new AbortController();
  let background: Evaluator | undefined;
  const alarm = createAlarm();
  const loaded = (standing: PolicyStanding): void => {
    background = backgroundEvaluator(standing, options);
    options.loaded?.(standing);
    void tellRefusals(config, standing.news, logger);
    alarm.ring();
  };
  const evaluator = reloadableEvaluator(options.build, { loaded, ...(logger ? { logger } : {}) });
  const watcher = await watchPolicies(config, evaluator.load, {
    ...(logger ? { logger } : {}),
    ...(options.exceptionNamespaces ? { exceptionNamespaces: options.exceptionNamespaces } : {}),
    ...(options.kindServed ? { kindServed: options.kindServed } : {}),
  });
  const namespaces = await watchKind(config, namespaceKind, () => {}, logger ? { logger } : {});
  const namespaceLabels = (name: string): Readonly<Record<string, string>> | undefined => {
    const found = namespaces.get(name);
    return found === undefined ? undefined : (metadataOf(found).labels ?? {});
  };
  const scan = options.scan && {
    ...(logger ? { logger } : {}),
    ...options.scan,
    namespaceLabels,
    election: { ...(logger ? { logger } : {}), ...options.scan.election },
  };
  const scanning =
    scan === undefined
      ? Promise.resolve()
      : electLeader(
          config,
          scan.election,
          (signal) =>
            scanForEver(
              {
                config,
                evaluator: () => (evaluator.ready() ? background : undefined),
                options: scan,
                alarm,
              },
              signal,
            ),
          stop.signal,
        );
  return {
    evaluator,
    namespaceLabels,
    stop: async () => {
      stop.abort();
      await watcher.stop();
      namespaces.stop();
      await scanning;
    },
  };
}

interface Scanning {
  readonly config: KubeConfig;
  /** Undefined as long as it is not known what holds: nothing is reported then. */
  readonly evaluator: () => Evaluator | undefined;
  readonly options: NonNullable<ControllerOptions["scan"]>;
  /** Rings when the policies have changed. */
  readonly alarm: Alarm;
}

async function scanForEver(scanning: Scanning, signal: AbortSignal): Promise<void> {
  const { options, alarm } = scanning;
  while (!signal.aborted) {
    // Policies that change from here on need another scan, also while this one is under way.
    alarm.reset();
    const whole = await scanOnce(scanning, signal);
    const interval = options.intervalMs ?? 3_600_000;
    await alarm.sleep(whole ? interval : Math.min(interval, againMs), signal);
  }
}

/** When a scan that broke off is tried again: an API server that starts refuses lists for a while. */
const againMs = 60_000;

/** False for a scan that broke off (the API server was not there), which is logged. */
async function scanOnce({ config, evaluator, options }: Scanning, signal: AbortSignal): Promise<boolean> {
  const current = evaluator();
  if (current === undefined) return true;
  try {
    const summary = await scanCluster(config, current, signal, options);
    options.logger?.info({ ...summary }, "background scan finished");
    return true;
  } catch (error) {
    if (signal.aborted) options.logger?.info({}, "background scan stopped");
    else options.logger?.error({ error: String(error) }, "background scan broke off");
    return false;
  }
}

/** What a scan judges by; undefined where it cannot be built, though all policies together could: nothing is reported then. */
function backgroundEvaluator(
  { inForce, refused }: PolicyStanding,
  { build, logger }: ControllerOptions,
): Evaluator | undefined {
  try {
    return withDenials(build(forBackground(inForce)), refused);
  } catch (error) {
    logger?.error({ error: String(error) }, "policies of the background scan not loaded");
    return undefined;
  }
}

/** `background: false` keeps a policy out of scans, as in Kyverno. */
function forBackground({ policies, exceptions }: PolicyDocuments): PolicyDocuments {
  const spec = (policy: JsonObject): JsonObject | undefined => policy["spec"] as JsonObject | undefined;
  return { policies: policies.filter((policy) => spec(policy)?.["background"] !== false), exceptions };
}
