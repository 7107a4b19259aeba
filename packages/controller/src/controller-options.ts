import type { Evaluator, Logger } from "@assay/engine";
import type { ScanOptions } from "./background-scan.ts";
import type { PolicyDocuments } from "./policy-documents.ts";
import type { PolicyStanding } from "./policy-sieve.ts";

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

export interface WatchPoliciesOptions {
  /** A set is handed over at most once per so many milliseconds. Default 100. */
  readonly settleMs?: number;
  /**
   * Namespaces whose PolicyExceptions count. Default none: whoever may create objects in a namespace of their own could
   * otherwise exempt themselves from the cluster's policies.
   */
  readonly exceptionNamespaces?: readonly string[];
  /**
   * Told of each kind, by its name, whether the API server serves it: when that is known, and whenever it changes. One that
   * is not served has no objects, so nothing of it is in force.
   */
  readonly kindServed?: (kind: string, isServed: boolean) => void;
  readonly logger?: Logger;
}

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
  /** Told whether the API server serves the kinds of policies; for metrics. */
  readonly kindServed?: WatchPoliciesOptions["kindServed"];
  /** Told after every change of the policies what is in force and what is not; for metrics. */
  readonly loaded?: (standing: PolicyStanding) => void;
  /** Also of the scan and the election, unless they have their own. */
  readonly logger?: ScanOptions["logger"];
}
