export { type CodeHelp, codes, nextStep } from "./codes.ts";
export { diffVerdicts, type ResultChange, type VerdictDiff } from "./diff-verdicts.ts";
export { createEngine, type Engine, type EngineLimits, type EngineOptions } from "./engine.ts";
export { EngineError, type EngineErrorCode } from "./engine-error.ts";
export type { Evaluation, EvaluationOptions, EvaluationStats, JudgedRound } from "./evaluation.ts";
export type { Evaluator, EvaluatorOptions } from "./evaluator.ts";
export { type ExplainOptions, explain } from "./explain.ts";
export type { Answered, Answers } from "./gather.ts";
export type { Logger } from "./logger.ts";
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
} from "./lookup.ts";
export { lookupKey } from "./lookup-key.ts";
export type { Plan, PlannedLookup, PlanRule } from "./plan.ts";
export {
  decodeRecord,
  type EvaluationRecord,
  encodeRecord,
  type RecordedFile,
  type RecordedOptions,
  type RecordInput,
  recordOf,
  replaySources,
} from "./record.ts";
export { withRunningImages } from "./running-images.ts";
export type { EvaluationRequest, JsonPatch, Result, Verdict } from "./verdict.ts";
