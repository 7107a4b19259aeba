import { type Evaluator, type Logger, type Verdict, withRunningImages } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import {
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import pLimit from "p-limit";
import { inTime, statusOf } from "./api-answer.ts";
import { type Kind, type Listing, listPages } from "./list-pages.ts";
import { metadataOf } from "./policy-documents.ts";
import { policyReport, type ReportScope, reportLabels } from "./policy-report.ts";
import { type RawApi, rawApi } from "./raw-api.ts";
import { type Warning, writeWarning } from "./warning-event.ts";

export interface ScanOptions {
  /** Objects that are judged at the same time. Default 8. */
  readonly concurrency?: number;
  /** Longest judgement of one object, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** Longest wait for one answer of the API server, in milliseconds. Default 30,000. */
  readonly apiTimeoutMs?: number;
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
  /** Objects that could not be judged, or whose report could not be written; their old reports stand. */
  readonly failed: number;
  readonly reportsRemoved: number;
}

const workloads: readonly Kind[] = [
  { apiVersion: "v1", kind: "Pod", plural: "pods" },
  { apiVersion: "v1", kind: "ReplicationController", plural: "replicationcontrollers" },
  { apiVersion: "apps/v1", kind: "Deployment", plural: "deployments" },
  { apiVersion: "apps/v1", kind: "StatefulSet", plural: "statefulsets" },
  { apiVersion: "apps/v1", kind: "DaemonSet", plural: "daemonsets" },
  { apiVersion: "apps/v1", kind: "ReplicaSet", plural: "replicasets" },
  { apiVersion: "batch/v1", kind: "Job", plural: "jobs" },
  { apiVersion: "batch/v1", kind: "CronJob", plural: "cronjobs" },
];

const reports: Kind = {
  apiVersion: "wgpolicyk8s.io/v1alpha2",
  kind: "PolicyReport",
  plural: "policyreports",
};

/**
 * Judges every workload of the cluster again, as the validating webhook would, and writes a PolicyReport for each one
 * that some rule speaks of; an Event where it failed. Lists are read page by page, so memory does not grow with the
 * cluster. Rejects with the reason of `signal`, from whose abortion on nothing is begun to be written or removed, and where a
 * list cannot be had.
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
  const totals = { judged: 0, denied: 0, failed: 0 };
  const scan: Scan = { config, api, raw: rawApi(config), evaluator, signal, options, reported, totals };
  for (const kind of workloads) {
    for await (const { items } of listPages(scan.raw, { ...kind, ...paging(scan) })) {
      await Promise.all(items.map((object) => limit(() => scanObject(object, scan))));
    }
  }
  return { ...totals, reportsRemoved: await removeStale(scan) };
}

/** What the parts of one scan share. */
interface Scan {
  readonly config: KubeConfig;
  readonly api: KubernetesObjectApi;
  readonly raw: RawApi;
  readonly evaluator: Evaluator;
  readonly signal: AbortSignal;
  readonly options: ScanOptions;
  /** Names of the reports that stand. */
  readonly reported: Set<string>;
  readonly totals: { judged: number; denied: number; failed: number };
}

function paging({ signal, options }: Scan): Pick<Listing, "pageSize" | "signal" | "timeoutMs"> {
  return { pageSize: options.pageSize ?? 250, signal, timeoutMs: options.apiTimeoutMs };
}

async function scanObject(resource: JsonObject, scan: Scan): Promise<void> {
  const { signal, options, reported, totals } = scan;
  if (signal.aborted) return;
  const scope = scopeOf(resource);
  try {
    const verdict = withRunningImages(await judge(resource, scan), resource);
    // Judging takes its time: who no longer leads meanwhile would write beside the one who does.
    if (signal.aborted) return;
    totals.judged++;
    if (!verdict.allowed) totals.denied++;
    if (verdict.results.length === 0) return;
    reported.add(`assay-${scope.uid}`);
    await writeReport(policyReport(scope, verdict, (options.clock ?? (() => new Date()))()), scan);
    if (isViolation(verdict) && !signal.aborted) await writeEvent(scope, verdict, scan);
  } catch (error) {
    if (signal.aborted) return;
    totals.failed++;
    reported.add(`assay-${scope.uid}`);
    options.logger?.error({ ...scope, error: String(error) }, "background image verification failed");
  }
}

async function judge(resource: JsonObject, { evaluator, signal, options }: Scan): Promise<Verdict> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 30_000)]);
  const labels = options.namespaceLabels?.(metadataOf(resource).namespace ?? "");
  const request = { resource, operation: "CREATE", mutate: false } as const;
  return evaluator.evaluate(labels === undefined ? request : { ...request, namespaceLabels: labels }, {
    signal: deadline,
  });
}

function scopeOf(resource: JsonObject): ReportScope {
  const { namespace = "", name = "", uid = "" } = metadataOf(resource);
  return { apiVersion: String(resource["apiVersion"]), kind: String(resource["kind"]), namespace, name, uid };
}

async function writeReport(report: object, { api, options }: Scan): Promise<void> {
  const none = undefined;
  await inTime(
    api.patch(report as KubernetesObject, none, none, "assay", true, PatchStrategy.ServerSideApply),
    options.apiTimeoutMs,
  );
}

function isViolation(verdict: Verdict): boolean {
  return verdict.results.some(({ outcome }) => outcome === "fail" || outcome === "error");
}

async function writeEvent(scope: ReportScope, verdict: Verdict, { config, options }: Scan): Promise<void> {
  const { apiVersion, kind, namespace, name, uid } = scope;
  const found = verdict.results.find(({ outcome }) => outcome === "fail" || outcome === "error");
  const warning: Warning = {
    about: { apiVersion, kind, namespace, name, uid },
    reason: "PolicyViolation",
    message: `policy ${found?.policy}/${found?.rule}: ${found?.message}`,
  };
  await writeWarning(config, warning, options.apiTimeoutMs);
}

/** Reports of ours about objects that no rule speaks of any more (or that are gone without garbage collection). */
async function removeStale(scan: Scan): Promise<number> {
  let removed = 0;
  for await (const { items } of listPages(scan.raw, { ...reports, ...paging(scan), labels: reportLabels })) {
    const stale = items.filter((report) => !scan.reported.has(metadataOf(report).name ?? ""));
    for (const report of stale) if (await remove(report, scan)) removed++;
  }
  return removed;
}

/** False where it is gone already, with the object that owned it. */
async function remove(report: JsonObject, { api, signal, options }: Scan): Promise<boolean> {
  signal.throwIfAborted();
  try {
    await inTime(api.delete(report as KubernetesObject), options.apiTimeoutMs);
    return true;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return false;
  }
}
