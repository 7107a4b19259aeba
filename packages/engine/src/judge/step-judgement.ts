import { ConditionError } from "@assay/conditions";
import type { Code, Place, Step, Trace } from "@assay/policy";
import { opensUnderIgnore, PendingLookup, UnavailableContext } from "../gather/answer-book.ts";
import type { LookupFailure } from "../gather/lookup.ts";

/** A step with what `failurePolicy: Ignore` makes of its error. */
export interface StepJudgement {
  readonly trace: Trace;
  /** Meaningful for `error` only: whether every cause is one that Kyverno's `Ignore` admits. */
  readonly opens: boolean;
}

/** INVARIANT: an error of unknown cause never opens. */
export function allOpen(failures: readonly LookupFailure[]): boolean {
  return failures.length > 0 && failures.every(opensUnderIgnore);
}

/** What a failing expression means, by the step it was needed for. */
export interface ExpressionStep extends Place {
  readonly step: Step;
  /** How Kyverno begins its message, e.g. `failed to substitute variables`. */
  readonly prefix: string;
}

/**
 * The `error` of a step whose expression could not be evaluated. Anything else than an unknown variable or something
 * unavailable is thrown on: `PendingLookup` to the pass, a bug to the caller.
 */
export function expressionError(error: unknown, where: ExpressionStep): StepJudgement {
  if (error instanceof PendingLookup) throw error;
  if (error instanceof UnavailableContext) {
    return { trace: errorTrace(where, "contextUnavailable", error.message), opens: error.opens };
  }
  if (error instanceof ConditionError) {
    // What was probably meant stands in it.
    const message = `${where.prefix}: ${error.message}`;
    return { trace: errorTrace(where, "conditionUnresolved", message), opens: false };
  }
  throw error;
}

/** A leaf with outcome `error`. */
export function errorTrace(where: Place & { readonly step: Step }, code: Code, message: string): Trace {
  return {
    step: where.step,
    path: where.path,
    source: where.source,
    outcome: "error",
    code,
    message,
    children: [],
  };
}
