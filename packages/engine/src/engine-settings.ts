import type { JsonObject } from "@assay/policy";

/** The parts of the engine's options that a judgement depends on, defaults filled in. */
export interface EngineSettings {
  /** Values for `{{ NAME }}` in policies, e.g. `ORG`. They never replace a built-in name or a context entry. */
  readonly variables: JsonObject;
  /** Namespace of `{{ configmap.NAME… }}` without a context entry in a ClusterPolicy. Default `kyverno`. */
  readonly configMapNamespace: string;
  /** Namespace of `imageRegistryCredentials.secrets` that name none. Default `kyverno`. */
  readonly secretNamespace: string;
  /** Name of the trust root that is asked for when a candidate needs one. Default `public-good`. */
  readonly trustRoot: string;
  /** Which signed statements count as an image signature. Default `cosign-sign`. */
  readonly signaturePredicateTypes: "cosign-sign" | "any";
  /** Whether logs are asked about signatures that come without a log entry. Default `never`. */
  readonly logLookup: "never" | "whenMissing";
  /** Registry of references without one. Default `docker.io`. */
  readonly defaultRegistry: string;
}
