import type { EvaluationOptions } from "./evaluation.ts";
import type { EvaluationRequest, Verdict } from "./verdict/verdict.ts";

/** What an adapter needs of assay: an engine with its sources, or anything that answers like one. */
export interface Evaluator {
  /** Without `onJudged` being called an adapter has no spans for checks. */
  evaluate(request: EvaluationRequest, options: EvaluatorOptions): Promise<Verdict>;
}

/** What an adapter says with a request. */
export type EvaluatorOptions = { readonly signal: AbortSignal } & Pick<EvaluationOptions, "onJudged">;
