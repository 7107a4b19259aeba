import type { Workload } from "../generate/objects.ts";
import type { FailurePolicy } from "../generate/policies.ts";

/** A webhook that the API server calls: first the one, then the other with what became of the object. */
export type Hook = "mutate" | "validate";

/** What one side says of a review, in a form that both have. */
export interface Answer {
  readonly allowed: boolean;
  /** Which webhook denied it; what the later one would have said is not known then. */
  readonly deniedBy?: Hook;
  /** Whose policies were not asked any more after it; absent: all were. */
  readonly unasked?: FailurePolicy;
  /** What each rule that does not hold says, by `POLICY/RULE`. */
  readonly failures: Readonly<Record<string, Failure>>;
  /** The object as it would be stored; null for a deletion. */
  readonly object: Workload | null;
  /** Images that a rule verified, as the object names them; unknown of Kyverno. */
  readonly verified?: readonly { readonly rule: string; readonly image: string }[];
}

/** What a rule says. */
export interface Failure {
  readonly hook: Hook;
  readonly says: string;
  /** Whether that alone would deny the request. */
  readonly blocks: boolean;
  /** assay's code of it. */
  readonly code?: string;
}

/** `response` of an AdmissionReview. */
export interface Response {
  readonly allowed: boolean;
  readonly status?: { readonly message?: string };
  readonly warnings?: readonly string[];
  /** JSON Patch in base64. */
  readonly patch?: string;
}
