import type { Evaluator, Logger, Verdict } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import {
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import pLimit from "p-limit";
import { inTime, statusOf } from "./api-answer.ts";
import { listPages } from "./list-pages.ts";
import { policyReport, type ReportScope, reportLabels } from "./policy-report.ts";
import { writeWarning } from "./warning-event.ts";

export interface ScanOptions {
  /** Objects that are judged at the same time. Default 8. */
  readonly concurrency?: number;
  /** Longest judgement of one object, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** Objects read per list request. Default 250. */
  readonly pageSize?: number;
  readonly clock?: () => Date;
  /** Labels of a namespace, for `namespaceSelector`. Default: unknown. */
  readonly namespaceLabels?: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly logger?: Logger;
}

/** What one scan came to. */
export interface ScanSummary {
  readonly judged: number;
  readonly denied: number;
  /** Objects that could not be judged; their old reports stand. */
  readonly failed: number;
  readonly reportsRemoved: number;
}

const workloads: readonly (readonly [apiVersion: string, kind: string])[] = [
  ["v1", "Pod"],
  ["v1", "ReplicationController"],
  ["apps/v1", "Deployment"],
  ["apps/v1", "StatefulSet"],
  ["apps/v1", "DaemonSet"],
  ["apps/v1", "ReplicaSet"],
  ["batch/v1", "Job"],
  ["batch/v1", "CronJob"],
];

/**
 * Judges every workload of the cluster again, as the validating webhook would, and writes a PolicyReport for each one
 * that some rule speaks of; an Event where it failed. Lists are read page by page, so memory does not grow with the
 * cluster.
 */
export async function scanCluster(
  config: KubeConfig,
  evaluator: Evaluator,
  signal: AbortSignal,
  options: ScanOptions = {},
): Promise<ScanSummary> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const limit = pLimit(options.concurrency ?? 8);
  const reported = new Set<string>();
  const pageSize = options.pageSize ?? 250;
  const totals = { judged: 0, denied: 0, failed: 0 };
  for (const [apiVersion, kind] of workloads) {
    for await (const page of listPages(api, { apiVersion, kind, pageSize })) {
      await Promise.all(
        page.items.map((object) =>
          limit(async () => {
            if (signal.aborted) return;
            const scope = scopeOf(apiVersion, kind, object);
            try {
              const verdict = await judge(evaluator, { ...object, apiVersion, kind }, signal, options);
              totals.judged++;
              if (!verdict.allowed) totals.denied++;
              if (verdict.results.length === 0) return;
              reported.add(`assay-${scope.uid}`);
              await writeReport(api, policyReport(scope, verdict, (options.clock ?? (() => new Date()))()));
              if (isViolation(verdict)) await writeEvent(config, scope, verdict);
            } catch (error) {
              totals.failed++;
              reported.add(`assay-${scope.uid}`);
              options.logger?.error(
                { ...scope, error: String(error) },
                "background image verification failed",
              );
            }
          }),
        ),
      );
    }
  }
  return { ...totals, reportsRemoved: signal.aborted ? 0 : await removeStale(api, reported, pageSize) };
}

async function judge(
  evaluator: Evaluator,
  object: KubernetesObject,
  signal: AbortSignal,
  options: ScanOptions,
): Promise<Verdict> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 30_000)]);
  const resource = JSON.parse(JSON.stringify(object)) as JsonObject;
  const labels = options.namespaceLabels?.(object.metadata?.namespace ?? "");
  const request = { resource, operation: "CREATE", mutate: false } as const;
  return evaluator.evaluate(labels === undefined ? request : { ...request, namespaceLabels: labels }, {
    signal: deadline,
  });
}

function scopeOf(apiVersion: string, kind: string, { metadata }: KubernetesObject): ReportScope {
  return {
    apiVersion,
    kind,
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
  };
}

async function writeReport(api: KubernetesObjectApi, report: object): Promise<void> {
  const none = undefined;
  await inTime(
    api.patch(report as KubernetesObject, none, none, "assay", true, PatchStrategy.ServerSideApply),
  );
}

function isViolation(verdict: Verdict): boolean {
  return verdict.results.some(({ outcome }) => outcome === "fail" || outcome === "error");
}

async function writeEvent(config: KubeConfig, scope: ReportScope, verdict: Verdict): Promise<void> {
  const { apiVersion, kind, namespace, name, uid } = scope;
  const found = verdict.results.find(({ outcome }) => outcome === "fail" || outcome === "error");
  await writeWarning(config, {
    about: { apiVersion, kind, namespace, name, uid },
    reason: "PolicyViolation",
    message: `policy ${found?.policy}/${found?.rule}: ${found?.message}`,
  });
}

/** Reports of ours about objects that no rule speaks of any more (or that are gone without garbage collection). */
async function removeStale(
  api: KubernetesObjectApi,
  reported: ReadonlySet<string>,
  pageSize: number,
): Promise<number> {
  const of = { apiVersion: "wgpolicyk8s.io/v1alpha2", kind: "PolicyReport" };
  let removed = 0;
  for await (const page of listPages(api, { ...of, pageSize, labels: reportLabels })) {
    const stale = page.items.filter(({ metadata }) => !reported.has(metadata?.name ?? ""));
    for (const report of stale) if (await remove(api, { ...report, ...of })) removed++;
  }
  return removed;
}

/** False where it is gone already, with the object that owned it. */
async function remove(api: KubernetesObjectApi, report: KubernetesObject): Promise<boolean> {
  try {
    await inTime(api.delete(report));
    return true;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return false;
  }
}
