import type { ContextSource, EvidenceSource, KeySource, LogSource, TrustSource } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import type { RegistryOptions } from "@assay/sources/registry";

/** A policy file's text, and the name that positions in it are printed with. */
export interface PolicyText {
  readonly text: string;
  readonly file?: string;
}

/** Everything has a safe default but the policies. */
export interface AssayOptions {
  /** YAML or JSON: `ClusterPolicy`, `Policy`, and `PolicyException` documents, at least one of which is a policy. */
  readonly policies: string | readonly (string | PolicyText)[];
  /**
   * More `PolicyException` documents: for who keeps them apart, such as a controller, whose cluster may have exceptions
   * while it has no policy (`policies: []`).
   */
  readonly exceptions?: readonly (string | PolicyText)[];
  /** Where images and what hangs on them are read. Default: their registries, with docker's credentials. */
  readonly source?: EvidenceSource;
  /** For the default source: mirrors, insecure hosts, own `fetch`, limits, `credentials` in place of docker's. */
  readonly registry?: RegistryOptions;
  /** Default: Sigstore's public trust root by TUF, loaded only when a signature needs it. Or the text of a `trusted_root.json`. */
  readonly trust?: TrustSource | { readonly json: string };
  /** ConfigMaps and Secrets that policies read: objects, or YAML text. */
  readonly objects?: readonly (JsonObject | string)[];
  /** Reads ConfigMaps, Secrets and API calls, in place of `objects`. */
  readonly context?: ContextSource;
  /** Reads keys of a KMS. Default: `awskms://`, `gcpkms://`, `azurekms://` (their SDKs are optional peers), `hashivault://`, `k8s://`. */
  readonly keys?: KeySource;
  /** Default: the system's clock. */
  readonly clock?: () => Date;
  /** Values for `{{ NAME }}` in policies, e.g. `ORG`. */
  readonly variables?: JsonObject;
  /** `any`: every signed statement about the digest counts as an image signature, as in Kyverno. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  /**
   * `whenMissing`: a signature by the right signer that comes without the log entry that the policy wants is looked up in
   * the log (`rekor.url`, else the trust root's logs), as Kyverno does; what the log answers is held to the same as an
   * entry that came along. Default `never`: a verdict then rests on what the image's registry holds.
   */
  readonly logLookup?: "never" | "whenMissing";
  /** How logs are asked, if they are. Default: Rekor v1 by https. */
  readonly log?: LogSource;
}
