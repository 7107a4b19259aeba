import {
  type CompiledBlock,
  type CompiledCondition,
  type CompiledConditions,
  compileConditions,
  isCompiled,
} from "./compile-conditions.ts";
import { ConditionError } from "./condition-error.ts";
import { display } from "./display.ts";
import { type Json, own, type Value } from "./json.ts";
import { type Budget, createBudget } from "./limits.ts";
import { nearestPart } from "./nearest-part.ts";
import { operatorOf } from "./operators/operators.ts";
import type { Scope } from "./scope.ts";
import { isDelete } from "./substitution/substitute.ts";

/** A place in a policy file, as the caller knows it. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface CheckOptions {
  /**
   * `preconditions`: for preconditions, `deny` and documents of any kind. Variables are resolved when a condition is
   * reached, and an empty `any` is false.
   * `attestation`: as Kyverno evaluates `attestations[].conditions`. All variables, also those of messages, are
   * resolved first, so one that is unknown fails the whole; an empty `any` is true.
   */
  readonly kind: "preconditions" | "attestation";
  /** Where each condition stands, by its path such as `[0].all[1]`. */
  readonly source?: { get(path: string): SourcePosition | undefined };
}

/** What came of one condition. Passes are kept too. Values are cut to a size that a trace can bear. */
export interface ConditionTrace {
  /** Inside the conditions: `[0].all[1]`, `any[0]`. */
  readonly path: string;
  readonly source?: SourcePosition;
  readonly operator: string;
  /** `notReached`: an earlier condition had decided. */
  readonly outcome: "true" | "false" | "error" | "notReached";
  /** As the policy says it, e.g. `{{ predicate.builder.id }}`. */
  readonly keyText: Json;
  readonly valueText: Json;
  /** With the variables resolved; absent when they were not, or could not be. */
  readonly key?: Json;
  readonly value?: Json;
  /** The condition's own message. */
  readonly message: string;
  /** For a condition that is false: how far key and value agree, or which element comes closest. */
  readonly nearest?: string;
  readonly error?: ConditionError;
}

export interface ConditionsResult {
  /** True only for the outcome `true`. */
  readonly holds: boolean;
  readonly outcome: "true" | "false" | "error";
  /**
   * Joined as Kyverno joins them: those of the true conditions if all hold, else the false ones of the first block that
   * does not hold. For `error` the error's.
   */
  readonly message: string;
  readonly error?: ConditionError;
  /** In the order of the policy. */
  readonly conditions: readonly ConditionTrace[];
}

interface Run {
  readonly scope: Scope;
  readonly budget: Budget;
  readonly options: CheckOptions;
  /** What came of each condition, by its index. */
  readonly records: (Progress | undefined)[];
}

/** What a trace is made of, once somebody asks for it. */
interface Progress {
  rendered?: Rendered;
  outcome: ConditionTrace["outcome"];
  message: string;
  error?: ConditionError;
}

interface Rendered {
  readonly key: Value;
  readonly value: Value;
  readonly operator: Value;
  readonly message: Value;
}

type Answer = Pick<ConditionsResult, "outcome" | "message" | "error">;

/**
 * Evaluates `any`/`all` conditions, Kyverno's old list of conditions, or ones that `compileConditions` prepared.
 * What follows from the conditions and the data is in the result, errors too; only what the scope's `resolve` throws
 * passes through.
 */
export function check(
  conditions: Value | CompiledConditions,
  scope: Scope,
  options: CheckOptions,
): ConditionsResult {
  return checkBy(compiledFor, conditions, scope, options);
}

/**
 * A `check` that parses conditions once and then knows them by identity. INVARIANT: they are not changed any more. What does
 * not parse is found out anew each time.
 */
export function rememberingCheck(): typeof check {
  const memory = new WeakMap<object, Map<string, CompiledConditions>>();
  const remembered: typeof compiledFor = (conditions, scope, options) => {
    if (typeof conditions !== "object" || conditions === null) return compiledFor(conditions, scope, options);
    const known = memory.get(conditions) ?? new Map<string, CompiledConditions>();
    const key = JSON.stringify([options.kind, scope.dialect, scope.limits, isDelete(scope)]);
    const compiled = known.get(key) ?? compiledFor(conditions, scope, options);
    known.set(key, compiled);
    memory.set(conditions, known);
    return compiled;
  };
  return (conditions, scope, options) => checkBy(remembered, conditions, scope, options);
}

function checkBy(
  compile: typeof compiledFor,
  conditions: Value | CompiledConditions,
  scope: Scope,
  options: CheckOptions,
): ConditionsResult {
  const run: Run = { scope, budget: createBudget(scope.limits), options, records: [] };
  let compiled: CompiledConditions | undefined;
  let answer: Answer;
  try {
    compiled = compile(conditions, scope, options);
    if (options.kind === "attestation") for (const each of compiled.all) render(each, run);
    answer = evaluateBlocks(compiled.blocks, run);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    answer = { outcome: "error", message: error.message, error };
  }
  const conditionTraces = (compiled?.all ?? []).map((each) => trace(each, run));
  const { outcome, message, error } = answer;
  const result = { holds: outcome === "true", outcome, message, conditions: conditionTraces };
  return error === undefined ? result : { ...result, error };
}

function compiledFor(
  conditions: Value | CompiledConditions,
  scope: Scope,
  { kind }: CheckOptions,
): CompiledConditions {
  const { dialect, limits } = scope;
  if (isCompiled(conditions)) return conditions;
  return compileConditions(conditions, { kind, dialect, limits, deleted: isDelete(scope) });
}

function evaluateBlocks(blocks: readonly CompiledBlock[], run: Run): Answer {
  const messages: string[] = [];
  for (const block of blocks) {
    const { outcome, message } = evaluateBlock(block, run);
    if (outcome !== "true") return { outcome, message };
    messages.push(message);
  }
  return { outcome: "true", message: join(messages, ";") };
}

/** `any` stops at the first condition that is true, `all` at the first that is false; both are evaluated. */
function evaluateBlock({ any, all }: CompiledBlock, run: Run): Answer {
  const passed: string[] = [];
  const failed: string[] = [];
  const evaluate = (condition: CompiledCondition): boolean => {
    const { holds, message } = evaluateCondition(condition, run);
    (holds ? passed : failed).push(message);
    return holds;
  };
  const anyHolds = any === undefined || any.some(evaluate);
  const allHold = all.every(evaluate);
  return anyHolds && allHold
    ? { outcome: "true", message: join(passed, "; ") }
    : { outcome: "false", message: join(failed, "; ") };
}

function join(messages: readonly string[], separator: string): string {
  return messages.filter((message) => message !== "").join(separator);
}

function evaluateCondition(condition: CompiledCondition, run: Run): { holds: boolean; message: string } {
  const progress = render(condition, run);
  const { key, value, operator, message } = progress.rendered;
  const text = typeof message === "string" ? message : "";
  try {
    const holds = operatorOf(operator)(key, value, { budget: run.budget, dialect: run.scope.dialect });
    progress.outcome = holds ? "true" : "false";
    progress.message = text;
    return { holds, message: text };
  } catch (error) {
    throw failed(progress, error);
  }
}

/** Resolves the variables of a condition, once. */
function render(condition: CompiledCondition, run: Run): Progress & { readonly rendered: Rendered } {
  const known = run.records[condition.index];
  if (known?.rendered !== undefined) return known as Progress & { readonly rendered: Rendered };
  const { scope, budget } = run;
  const progress: Progress = { outcome: "notReached", message: "" };
  run.records[condition.index] = progress;
  try {
    const rendered = {
      key: condition.key(scope, budget),
      value: condition.value(scope, budget),
      operator: condition.operator(scope, budget),
      message: condition.message(scope, budget),
    };
    return Object.assign(progress, { rendered });
  } catch (error) {
    throw failed(progress, error);
  }
}

function failed(progress: Progress, error: unknown): unknown {
  if (error instanceof ConditionError) {
    progress.outcome = "error";
    progress.error = error;
  }
  return error;
}

function trace(condition: CompiledCondition, run: Run): ConditionTrace {
  const { path, keyText, valueText } = condition;
  const progress = run.records[condition.index];
  const source = run.options.source?.get(path);
  const outcome = progress?.outcome ?? "notReached";
  const operator = operatorText(progress?.rendered?.operator ?? own(condition.written, "operator"));
  const base: ConditionTrace = {
    path,
    operator,
    outcome,
    keyText,
    valueText,
    message: progress?.message ?? "",
  };
  const placed = source === undefined ? base : { ...base, source };
  if (progress?.rendered === undefined) return withError(placed, progress?.error);
  const key = display(progress.rendered.key);
  const value = display(progress.rendered.value);
  const nearest = outcome === "false" ? nearestPart(key, value) : undefined;
  const full = { ...placed, key, value };
  return withError(nearest === undefined ? full : { ...full, nearest }, progress.error);
}

function withError(base: ConditionTrace, error: ConditionError | undefined): ConditionTrace {
  return error === undefined ? base : { ...base, error };
}

function operatorText(operator: Value | undefined): string {
  return typeof operator === "string" ? operator.slice(0, 80) : "";
}
