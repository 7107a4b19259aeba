import type { Code, FailureAction, Json, JsonObject, Operation, Outcome, Trace } from "@assay/policy";

/** What is to be judged: a Kubernetes object and how it arrives. */
export interface EvaluationRequest {
  readonly resource: JsonObject;
  /** Default `CREATE`. */
  readonly operation?: Operation;
  readonly oldResource?: JsonObject;
  /** e.g. `ephemeralcontainers`. */
  readonly subresource?: string;
  readonly userInfo?: {
    readonly uid?: string;
    readonly extra?: JsonObject;
    readonly username?: string;
    readonly groups?: readonly string[];
    readonly roles?: readonly string[];
    readonly clusterRoles?: readonly string[];
  };
  /** Whether the API server only tries the request out: nothing will be stored. */
  readonly dryRun?: boolean;
  /**
   * What else the API server says of the request: `uid`, `resource`, `requestKind`, `options`, … Expressions read it as
   * `request.uid` and so on; without it these are unknown keys.
   */
  readonly admission?: JsonObject;
  /** Labels of the resource's namespace, where known. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** Whether the caller can apply patches: true for `assay apply` and the mutating webhook. Default true. */
  readonly mutate?: boolean;
}

/** What one rule says of one image. */
export interface Result {
  readonly policy: string;
  readonly rule: string;
  /** As written in the resource; absent where the rule came to no image (e.g. a context entry is missing). */
  readonly image?: string;
  readonly digest?: string;
  readonly outcome: Outcome;
  readonly code: Code;
  readonly message: string;
  /** What a `fail` of this rule means. */
  readonly failureAction: FailureAction;
}

/** RFC 6902, pinning verified images to their digest. */
export interface JsonPatch {
  readonly op: "add" | "replace";
  readonly path: string;
  readonly value: Json;
}

/** The answer, with every reason. A plain JSON value: equal inputs give equal verdicts. */
export interface Verdict {
  readonly resource: { readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly allowed: boolean;
  /** The worst of the results: error before fail before pass before skip. */
  readonly outcome: Outcome;
  readonly results: readonly Result[];
  readonly patches: readonly JsonPatch[];
  readonly warnings: readonly string[];
  readonly trace: readonly Trace[];
}
