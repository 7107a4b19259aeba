export { createEngine, type Engine } from "./engine.ts";
export { EngineError, type EngineErrorCode } from "./engine-error.ts";
export type { EngineLimits, EngineOptions } from "./engine-options.ts";
export type { Evaluation, EvaluationOptions, EvaluationStats, JudgedRound } from "./evaluation.ts";
export type { Evaluator, EvaluatorOptions } from "./evaluator.ts";
export type { Answered, Answers } from "./gather/gather.ts";
export type {
  Answer,
  AnswerValues,
  ContextLookup,
  ContextSource,
  EvidenceLookup,
  EvidenceSource,
  FetchOptions,
  KeyLookup,
  KeySource,
  LogEntriesLookup,
  LogSource,
  Lookup,
  LookupFailure,
  Notes,
  RegistryAccess,
  Sources,
  TrustLookup,
  TrustSource,
} from "./gather/lookup.ts";
export { lookupKey } from "./gather/lookup-key.ts";
export type { Logger } from "./logger.ts";
export type { Plan, PlannedLookup, PlanRule } from "./plan.ts";
export { type CodeHelp, codes, nextStep } from "./verdict/codes.ts";
export { diffVerdicts, type ResultChange, type VerdictDiff } from "./verdict/diff-verdicts.ts";
export { type ExplainOptions, explain } from "./verdict/explain.ts";
export {
  decodeRecord,
  type EvaluationRecord,
  encodeRecord,
  type RecordedFile,
  type RecordedOptions,
  type RecordInput,
  recordOf,
  replaySources,
} from "./verdict/record.ts";
export { withRunningImages } from "./verdict/running-images.ts";
export type { EvaluationRequest, JsonPatch, Result, Verdict } from "./verdict/verdict.ts";
