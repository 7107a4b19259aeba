import type { Result, Verdict } from "@assay/engine";
import type { Outcome } from "@assay/policy";

/** The object that a report is about. */
export interface ReportScope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** `wgpolicyk8s.io/v1alpha2 PolicyReport`, one per object, owned by it so that it goes with it. */
export interface PolicyReport {
  readonly apiVersion: "wgpolicyk8s.io/v1alpha2";
  readonly kind: "PolicyReport";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly scope: ReportScope;
  readonly results: readonly object[];
  readonly summary: Readonly<Record<"pass" | "fail" | "warn" | "error" | "skip", number>>;
}

export const reportLabels: Readonly<Record<string, string>> = { "app.kubernetes.io/managed-by": "assay" };

/** A failure of an Audit rule is reported as `fail` too: the report says what is, the action what was done about it. */
export function policyReport(scope: ReportScope, verdict: Verdict, now: Date): PolicyReport {
  const { apiVersion, kind, name, uid, namespace } = scope;
  const seconds = Math.floor(now.getTime() / 1000);
  return {
    apiVersion: "wgpolicyk8s.io/v1alpha2",
    kind: "PolicyReport",
    metadata: {
      name: `assay-${uid}`,
      namespace,
      labels: reportLabels,
      ownerReferences: [{ apiVersion, kind, name, uid }],
    },
    scope,
    results: verdict.results.map((result) => reportResult(result, seconds)),
    summary: summarize(verdict.results),
  };
}

function reportResult(result: Result, seconds: number): object {
  return {
    source: "assay",
    policy: result.policy,
    rule: result.rule,
    result: result.outcome,
    message: result.message,
    scored: true,
    timestamp: { seconds, nanos: 0 },
    properties: {
      code: result.code,
      failureAction: result.failureAction,
      ...(result.image === undefined ? {} : { image: result.image }),
      ...(result.digest === undefined ? {} : { digest: result.digest }),
    },
  };
}

function summarize(results: readonly Result[]): PolicyReport["summary"] {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  return { pass: count("pass"), fail: count("fail"), warn: 0, error: count("error"), skip: count("skip") };
}
