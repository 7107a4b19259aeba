import type { Place } from "@assay/policy";
import { type PreparedSets, VerifyError } from "@assay/verify";
import { PendingLookup } from "../gather/answer-book.ts";
import type { LookupFailure } from "../gather/lookup.ts";
import type { CompiledSets } from "../plan/compile.ts";
import { repositoriesProblem } from "../plan/repository.ts";
import type { Pass } from "./pass.ts";
import { resolveAttestors } from "./resolve-attestors.ts";
import type { RuleScope } from "./rule-scope.ts";
import { errorTrace, expressionError, type StepJudgement } from "./step-judgement.ts";

/** Attestors that are ready for the kernel. */
export interface ReadySets {
  readonly sets: PreparedSets;
  /** Keys that could not be had. */
  readonly failures: readonly LookupFailure[];
}

/**
 * Makes attestors ready: those without variables were at load; the others get their variables and keys now. An
 * unknown variable, a missing ConfigMap or a key that is none is `error`, never "not signed".
 */
export function prepareSets(
  compiled: CompiledSets,
  place: Place,
  at: { readonly scope: RuleScope; readonly pass: Pass },
): ReadySets | StepJudgement {
  if (compiled.kind === "prepared") return { sets: compiled.sets, failures: [] };
  const where = { ...place, step: "attestors", prefix: "failed to substitute variables" } as const;
  try {
    const resolved = resolveAttestors(compiled.model, at.scope.scopeFor, at.pass.book);
    if (!resolved.complete) throw new PendingLookup("keys");
    const sets = at.pass.prepare(resolved.sets);
    const problem = repositoriesProblem(sets);
    if (problem !== undefined) {
      return { trace: errorTrace(where, "conditionUnresolved", problem), opens: false };
    }
    return { sets, failures: resolved.failures };
  } catch (error) {
    if (error instanceof VerifyError) {
      return { trace: errorTrace(where, "invalidPolicy", error.message), opens: false };
    }
    return expressionError(error, where);
  }
}
