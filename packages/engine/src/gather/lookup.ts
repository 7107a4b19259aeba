import type { Digest, ImageReference } from "@assay/image";
import type { Json } from "@assay/policy";
import type { Candidate } from "@assay/verify";

/** How a registry is to be asked: the policy's and the Pod's wishes. Sources without credentials ignore it. */
export interface RegistryAccess {
  readonly allowInsecureRegistry: boolean;
  readonly providers: readonly string[];
  readonly pullSecrets: readonly { readonly namespace: string; readonly name: string }[];
}

/**
 * `<repo>:sha256-<hex>.sig`, `….att`, the referrers API, its fallback tag `<repo>:sha256-<hex>`, and the manifest itself.
 * One member per kind, so that `Extract` finds each.
 */
type AboutDigest<K> = K extends string
  ? {
      readonly kind: K;
      readonly repository: string;
      readonly digest: Digest;
      readonly access?: RegistryAccess;
    }
  : never;

/** A question about an image or what hangs on it. `repository` is `registry/path`. */
export type EvidenceLookup =
  | { readonly kind: "digest"; readonly image: ImageReference; readonly access?: RegistryAccess }
  | AboutDigest<"signatureTag" | "attestationTag" | "referrers" | "referrersTag" | "manifest">
  | {
      readonly kind: "imageData";
      readonly image: ImageReference;
      /** What the image's tag was resolved to: this is read, whatever the tag points to by now. */
      readonly digest?: Digest;
      readonly access?: RegistryAccess;
    };

export type ContextLookup =
  | { readonly kind: "configMap"; readonly namespace: string; readonly name: string }
  | { readonly kind: "secret"; readonly namespace: string; readonly name: string }
  | {
      readonly kind: "apiCall";
      readonly method: "GET" | "POST";
      /** A path on the API server, or an absolute URL of a service. */
      readonly url: string;
      readonly headers?: readonly { readonly key: string; readonly value: string }[];
      readonly caBundle?: string;
      readonly body?: Json;
    }
  | { readonly kind: "globalContext"; readonly name: string };

export type KeyLookup = { readonly kind: "kmsKey"; readonly reference: string };

export type TrustLookup = { readonly kind: "trustRoot"; readonly name: string };

/**
 * Has a transparency log entries of a signature that came without one? Made only where `logLookup` asks for it.
 * `entries` is the JSON text that `POST /api/v1/log/entries/retrieve` takes as `entries`.
 */
export type LogEntriesLookup = {
  readonly kind: "logEntries";
  readonly url: string;
  readonly entries: string;
};

export type Lookup = EvidenceLookup | ContextLookup | KeyLookup | TrustLookup | LogEntriesLookup;

/** What each question is answered with. Bytes are unverified; digests were computed from bytes that were read. */
export interface AnswerValues {
  readonly digest: { readonly digest: Digest };
  readonly signatureTag: { readonly candidates: readonly Candidate[] };
  readonly attestationTag: { readonly candidates: readonly Candidate[] };
  /** `unsupported`: this registry has no referrers API, ask for the fallback tag. */
  readonly referrers: { readonly candidates: readonly Candidate[]; readonly unsupported?: boolean };
  readonly referrersTag: { readonly candidates: readonly Candidate[] };
  /** Asked only for a bundle that signs the manifest itself; hashed again before it counts. */
  readonly manifest: { readonly bytes: Uint8Array };
  readonly imageData: { readonly data: Json };
  readonly configMap: { readonly object: Json };
  readonly secret: { readonly object: Json };
  readonly apiCall: { readonly data: Json };
  readonly globalContext: { readonly data: Json };
  readonly kmsKey: { readonly pem: string };
  /** The text of a `trusted_root.json`. */
  readonly trustRoot: { readonly json: string };
  /** The text of the log's answer, a JSON list of entries: unverified, whoever sent it. */
  readonly logEntries: { readonly json: string };
}

/**
 * Why a question has no answer. `notFound` means that the thing does not exist, which is a fact;
 * every other code means that it could not be had (`digestMismatch`, `malformed`, `tooLarge`, `tooMany`: what was
 * sent is not what was asked for).
 */
export interface LookupFailure {
  readonly code:
    | "notFound"
    | "unauthorized"
    | "rateLimited"
    | "unavailable"
    | "timeout"
    | "digestMismatch"
    | "malformed"
    | "tooLarge"
    | "tooMany"
    | "unsupported";
  /** The HTTP status where one was received: a refusal by HTTP never opens `failurePolicy: Ignore`. */
  readonly status?: number;
  /** What was asked, of whom, what came back, and what to do. */
  readonly message: string;
  /** Host or file. */
  readonly origin: string;
}

export type Answer<K extends Lookup["kind"] = Lookup["kind"]> =
  | { readonly ok: true; readonly value: AnswerValues[K]; readonly requests?: number; readonly notes?: Notes }
  | {
      readonly ok: false;
      readonly failure: LookupFailure;
      /** What hangs on the image and was read all the same: unverified, and never all that there is. */
      readonly found?: readonly Candidate[];
      readonly requests?: number;
      readonly notes?: Notes;
    };

/** How the answer was come by, for the trace: mirrors asked, credential source used and why others were not. */
export type Notes = readonly string[];

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch after which `signal` will be aborted: a source does not wait longer to retry. */
  readonly deadline?: number;
  /**
   * Aborted when the evaluation that asks has ended. A source may give its answer to other evaluations that ask the same
   * until then, and no longer, whoever still works with it. Absent: to those that ask while it is still being asked for.
   */
  readonly evaluation?: AbortSignal;
}

/** Finds what hangs on images. The registry client, an OCI layout, a recording. */
export interface EvidenceSource {
  /** Never throws for what a registry does: failures are answers. Rejects only when `signal` is aborted, or on a bug. */
  fetch<K extends EvidenceLookup["kind"]>(
    lookup: Extract<EvidenceLookup, { kind: K }>,
    options: FetchOptions,
  ): Promise<Answer<K>>;
}

/** Reads ConfigMaps, Secrets and API calls of a cluster, or of files that stand in for one. */
export interface ContextSource {
  fetch<K extends ContextLookup["kind"]>(
    lookup: Extract<ContextLookup, { kind: K }>,
    options: FetchOptions,
  ): Promise<Answer<K>>;
}

/** Reads public keys from a key management service. */
export interface KeySource {
  fetch(lookup: KeyLookup, options: FetchOptions): Promise<Answer<"kmsKey">>;
}

/** Loads trust roots by name (`public-good` unless configured). Asked only when a candidate needs one. */
export interface TrustSource {
  fetch(lookup: TrustLookup, options: FetchOptions): Promise<Answer<"trustRoot">>;
}

/** Searches Rekor v1 transparency logs. */
export interface LogSource {
  fetch(lookup: LogEntriesLookup, options: FetchOptions): Promise<Answer<"logEntries">>;
}

/** Everything the engine may ask. What is absent is answered with `unsupported`. */
export interface Sources {
  readonly evidence: EvidenceSource;
  readonly context?: ContextSource;
  readonly keys?: KeySource;
  readonly trust?: TrustSource;
  readonly log?: LogSource;
}
