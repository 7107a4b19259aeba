import type { JsonObject } from "@assay/policy";
import type { KubeConfig } from "@kubernetes/client-node";
import { type ScanOptions, scanCluster } from "./background-scan.ts";
import { electLeader, type LeaderElectionOptions } from "./leader-election.ts";
import { type PolicyDocuments, watchPolicies } from "./policy-watcher.ts";
import { type Evaluator, type ReloadableEvaluator, reloadableEvaluator } from "./reloadable-evaluator.ts";

export interface ControllerOptions {
  /** Makes an evaluator of a set of policies; throws where one is invalid. */
  readonly build: (documents: PolicyDocuments) => Evaluator;
  /** Absent: this process only keeps its policies current and never scans. */
  readonly scan?: ScanOptions & {
    readonly election: LeaderElectionOptions;
    /** Milliseconds between two scans. Default one hour; a changed policy starts one at once. */
    readonly intervalMs?: number;
  };
  readonly logger?: ScanOptions["logger"];
}

export interface Controller {
  /** For a webhook server in the same process: judges by the cluster's current policies. */
  readonly evaluator: ReloadableEvaluator;
  stop(): Promise<void>;
}

/**
 * Keeps an evaluator's policies equal to the cluster's, without restarts; with `scan`, the process that holds the Lease
 * judges what already runs and writes PolicyReports.
 */
export async function startController(config: KubeConfig, options: ControllerOptions): Promise<Controller> {
  const { logger } = options;
  const stop = new AbortController();
  const evaluator = reloadableEvaluator(options.build, logger ? { logger } : {});
  const scanner = reloadableEvaluator(options.build);
  let wake = (): void => {};
  const watcher = await watchPolicies(
    config,
    (documents) => {
      evaluator.load(documents);
      scanner.load(forBackground(documents));
      wake();
    },
    logger ? { logger } : {},
  );
  const scan = options.scan;
  const scanning =
    scan === undefined
      ? Promise.resolve()
      : electLeader(
          config,
          scan.election,
          (signal) =>
            scanForEver({ config, evaluator: scanner, options: scan }, signal, (wakeUp) => {
              wake = wakeUp;
            }),
          stop.signal,
        );
  return {
    evaluator,
    stop: async () => {
      stop.abort();
      await watcher.stop();
      await scanning;
    },
  };
}

interface Scanning {
  readonly config: KubeConfig;
  readonly evaluator: ReloadableEvaluator;
  readonly options: NonNullable<ControllerOptions["scan"]>;
}

async function scanForEver(
  { config, evaluator, options }: Scanning,
  signal: AbortSignal,
  onWake: (wake: () => void) => void,
): Promise<void> {
  while (!signal.aborted) {
    if (evaluator.ready()) {
      const summary = await scanCluster(config, evaluator, signal, options);
      options.logger?.info({ ...summary }, "background scan finished");
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, options.intervalMs ?? 3_600_000);
      const finish = (): void => {
        clearTimeout(timer);
        resolve();
      };
      onWake(finish);
      signal.addEventListener("abort", finish, { once: true });
    });
  }
}

/** `background: false` keeps a policy out of scans, as in Kyverno. */
function forBackground({ policies, exceptions }: PolicyDocuments): PolicyDocuments {
  const spec = (policy: JsonObject): JsonObject | undefined => policy["spec"] as JsonObject | undefined;
  return { policies: policies.filter((policy) => spec(policy)?.["background"] !== false), exceptions };
}
