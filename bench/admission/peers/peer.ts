import type { ApiServer } from "../../../packages/conformance/src/lanes/cluster/api-server.ts";
import type { Owned } from "../../../packages/conformance/src/lanes/cluster/owned.ts";
import type { Options } from "../options.ts";

/** A running admission system that is measured. */
export interface Peer {
  readonly name: string;
  /** What runs, for the head of the table. */
  readonly about: string;
  /** Where AdmissionReviews are posted to it directly: its mutating webhook, which verifies and pins. */
  readonly url: string;
  /** PEM text of the authority of its certificate. */
  readonly ca: string;
  /** Undefined: what it uses can't be seen from here. */
  readonly pid?: number;
  /** Pods of this namespace are its own to judge, and no other peer's. */
  readonly namespace: string;
  /** Resolves when the API server calls it for Pods of its namespace. */
  register(cluster: ApiServer): Promise<void>;
}

/** What a peer may use to start. */
export interface Surroundings {
  readonly options: Options;
  readonly owned: Owned;
  /** Undefined where no API server can be had. */
  readonly cluster?: ApiServer;
  /** The policy, for a peer that reads it from a file. */
  readonly policy: object;
}
