import type { EvaluationRequest, Verdict } from "@assay/engine";

/** What an adapter needs of assay: an engine, or anything that answers like one. */
export interface Evaluator {
  evaluate(request: EvaluationRequest, options: { readonly signal: AbortSignal }): Promise<Verdict>;
}

/** Structured logging, as pino and console have it. */
export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
