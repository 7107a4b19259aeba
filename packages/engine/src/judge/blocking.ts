import type { Policy } from "@assay/policy";
import type { Result } from "../verdict/verdict.ts";

/** A result with what decides whether it blocks. */
export interface Ruling {
  readonly result: Result;
  readonly policy: Policy;
  /** For `error`: whether every cause is one that Kyverno's `failurePolicy: Ignore` admits (DESIGN: no connection, deadline, trust or context). */
  readonly opens: boolean;
}

/**
 * Whether one result keeps the request out. A `fail` does if the rule is enforced. An `error` does under
 * `failurePolicy: Fail`, even under Audit, as in Kyverno (pkg/utils/engine/response.go:20); under `Ignore` only if it
 * is a refusal (HTTP 401, 403, 429, 5xx, bytes of another digest) of an enforced rule: Kyverno calls those `fail`.
 */
export function blocks({ result, policy, opens }: Ruling): boolean {
  switch (result.outcome) {
    case "pass":
    case "skip":
      return false;
    case "fail":
      return result.failureAction === "Enforce";
    case "error":
      return policy.failurePolicy === "Fail" || (!opens && result.failureAction === "Enforce");
  }
}
