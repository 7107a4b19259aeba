import type { Evaluator } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import type { KubeConfig } from "@kubernetes/client-node";
import { type ScanOptions, scanCluster } from "./background-scan.ts";
import { electLeader, type LeaderElectionOptions } from "./leader-election.ts";
import { type PolicyDocuments, watchPolicies } from "./policy-watcher.ts";
import { type ReloadableEvaluator, reloadableEvaluator } from "./reloadable-evaluator.ts";
import { type Kind, watchKind } from "./watched-kind.ts";

const namespaceKind: Kind = { apiVersion: "v1", kind: "Namespace", plural: "namespaces" };

export interface ControllerOptions {
  /** Makes an evaluator of a set of policies; throws where one is invalid. */
  readonly build: (documents: PolicyDocuments) => Evaluator;
  /** Absent: this process only keeps its policies current and never scans. */
  readonly scan?: ScanOptions & {
    readonly election: LeaderElectionOptions;
    /** Milliseconds between two scans. Default one hour; a changed policy starts one at once. */
    readonly intervalMs?: number;
  };
  /** Namespaces whose PolicyExceptions count. Default none. */
  readonly exceptionNamespaces?: readonly string[];
  readonly logger?: ScanOptions["logger"];
}

export interface Controller {
  /** For a webhook server in the same process: judges by the cluster's current policies. */
  readonly evaluator: ReloadableEvaluator;
  /** Labels of a namespace as they are now, for `namespaceSelector`; undefined where there is no such namespace. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
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
    {
      ...(logger ? { logger } : {}),
      ...(options.exceptionNamespaces ? { exceptionNamespaces: options.exceptionNamespaces } : {}),
    },
  );
  const namespaces = await watchKind(config, namespaceKind, () => {}, logger);
  const namespaceLabels = (name: string): Readonly<Record<string, string>> | undefined => {
    const found = namespaces.get(name);
    return found === undefined ? undefined : (found.metadata?.labels ?? {});
  };
  const scan = options.scan && { ...options.scan, namespaceLabels };
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
    namespaceLabels,
    stop: async () => {
      stop.abort();
      await watcher.stop();
      await namespaces.stop();
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
    if (evaluator.ready()) await scanOnce({ config, evaluator, options }, signal);
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

/** A scan that broke off (the API server was not there) is logged; the next one comes at its time. */
async function scanOnce({ config, evaluator, options }: Scanning, signal: AbortSignal): Promise<void> {
  try {
    const summary = await scanCluster(config, evaluator, signal, options);
    options.logger?.info({ ...summary }, "background scan finished");
  } catch (error) {
    options.logger?.error({ error: String(error) }, "background scan broke off");
  }
}

/** `background: false` keeps a policy out of scans, as in Kyverno. */
function forBackground({ policies, exceptions }: PolicyDocuments): PolicyDocuments {
  const spec = (policy: JsonObject): JsonObject | undefined => policy["spec"] as JsonObject | undefined;
  return { policies: policies.filter((policy) => spec(policy)?.["background"] !== false), exceptions };
}
