import type { EvaluationRequest, Verdict } from "./verdict.ts";

/** What an adapter needs of assay: an engine with its sources, or anything that answers like one. */
export interface Evaluator {
  evaluate(request: EvaluationRequest, options: { readonly signal: AbortSignal }): Promise<Verdict>;
}
