export { type ScanOptions, type ScanSummary, scanCluster } from "./background-scan.ts";
export { type Controller, type ControllerOptions, startController } from "./controller.ts";
export { ControllerError } from "./controller-error.ts";
export { electLeader, type LeaderElectionOptions } from "./leader-election.ts";
export { type PolicyReport, policyReport, type ReportScope } from "./policy-report.ts";
export type { PolicyStanding, RefusedPolicy } from "./policy-sieve.ts";
export { type PolicyDocuments, watchPolicies } from "./policy-watcher.ts";
export { type ReloadableEvaluator, type ReloadOptions, reloadableEvaluator } from "./reloadable-evaluator.ts";
export { watchedContext } from "./watched-context.ts";
