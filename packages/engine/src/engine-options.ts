import type { JsonObject, Policy, PolicyException } from "@assay/policy";
import type { Sources } from "./gather/lookup.ts";

/** What one evaluation may use. Every limit is an option. */
export interface EngineLimits {
  /** Lookups under way at the same time. Default 32. */
  readonly concurrency?: number;
  /** Lookups of one evaluation; what is wanted beyond is answered with `tooMany`. Default 10,000. */
  readonly maxLookups?: number;
  /** Evidence of at least so many bytes is judged in a thread of its own. Default 256 KiB; Infinity: never. */
  readonly largeEvidenceBytes?: number;
  /** Sets of attestors with variables or fetched keys that are kept prepared. Default 1,000. */
  readonly maxPrepared?: number;
  /** Memory for facts "this digest's signatures satisfy these attestors". Default 16 MiB. */
  readonly maxFactBytes?: number;
  /**
   * How long such a fact saves asking the registry again. A signature that verified stays verified; but one that is
   * removed from the registry to revoke it counts that much longer. Default 10 minutes; 0 turns it off.
   */
  readonly factTtlMilliseconds?: number;
}

/** What an engine is made of. */
export interface EngineOptions {
  readonly policies: readonly Policy[];
  readonly exceptions?: readonly PolicyException[];
  readonly sources: Sources;
  /** The time that certificates, freshness conditions and exceptions are judged at. Read once per evaluation. */
  readonly clock: () => Date;
  /** Values for `{{ NAME }}` in policies, e.g. `{ ORG: "acme" }`. */
  readonly variables?: JsonObject;
  /** Where `{{ configmap.NAME.data.KEY }}` of a ClusterPolicy is looked up. Default `kyverno`. */
  readonly configMapNamespace?: string;
  /** Namespace of `imageRegistryCredentials.secrets` that name none. Default `kyverno`. */
  readonly secretNamespace?: string;
  /** Which trust root is loaded when a candidate needs one. Default `public-good`. */
  readonly trustRoot?: string;
  /** Which signed statements count as an image signature. Default `cosign-sign`. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  /**
   * `whenMissing`: where a signature by the policy's signer comes without the log entry that the policy wants, the log is
   * asked for it (`rekor.url`, else the trust root's logs), as Kyverno does. Default `never`.
   */
  readonly logLookup?: "never" | "whenMissing";
  /** Registry of image references that name none. Default `docker.io`. */
  readonly defaultRegistry?: string;
  readonly limits?: EngineLimits;
}
