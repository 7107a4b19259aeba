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
import { operatorOf } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { isDelete } from "./substitute.ts";

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
  readonly traces: Map<CompiledCondition, Partial<ConditionTrace>>;
  readonly rendered: Map<CompiledCondition, Rendered>;
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
  const budget = createBudget(scope.limits);
  const run: Run = { scope, budget, options, traces: new Map(), rendered: new Map() };
  let compiled: CompiledConditions | undefined;
  let answer: Answer;
  try {
    compiled = compiledFor(conditions, scope, options);
    if (options.kind === "attestation") for (const each of conditionsOf(compiled)) render(each, run);
    answer = evaluateBlocks(compiled.blocks, run);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    answer = { outcome: "error", message: error.message, error };
  }
  const traces = compiled === undefined ? [] : conditionsOf(compiled).map((each) => trace(each, run));
  return { holds: answer.outcome === "true", ...answer, conditions: traces };
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

function conditionsOf({ blocks }: CompiledConditions): readonly CompiledCondition[] {
  return blocks.flatMap(({ any, all }) => [...(any ?? []), ...all]);
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
  const { key, value, operator, message } = render(condition, run);
  const text = typeof message === "string" ? message : "";
  const holds = recording(condition, run, () =>
    operatorOf(operator)(key, value, { budget: run.budget, dialect: run.scope.dialect }),
  );
  const outcome = holds ? "true" : "false";
  run.traces.set(condition, { ...run.traces.get(condition), outcome, message: text });
  return { holds, message: text };
}

/** Resolves the variables of a condition, once. */
function render(condition: CompiledCondition, run: Run): Rendered {
  const known = run.rendered.get(condition);
  if (known !== undefined) return known;
  const { scope, budget } = run;
  const rendered = recording(condition, run, () => ({
    key: condition.key(scope, budget),
    value: condition.value(scope, budget),
    operator: condition.operator(scope, budget),
    message: condition.message(scope, budget),
  }));
  run.rendered.set(condition, rendered);
  return rendered;
}

function recording<T>(condition: CompiledCondition, run: Run, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof ConditionError) {
      run.traces.set(condition, { ...run.traces.get(condition), outcome: "error", error });
    }
    throw error;
  }
}

function trace(condition: CompiledCondition, run: Run): ConditionTrace {
  const { path, written } = condition;
  const rendered = run.rendered.get(condition);
  const known = run.traces.get(condition);
  const source = run.options.source?.get(path);
  const written_ = (field: string): Json => display(own(written, field) ?? null);
  const operator = rendered?.operator ?? own(written, "operator");
  const base: ConditionTrace = {
    path,
    ...(source !== undefined && { source }),
    operator: typeof operator === "string" ? operator.slice(0, 80) : "",
    outcome: "notReached",
    keyText: written_("key"),
    valueText: written_("value"),
    message: "",
    ...(rendered !== undefined && { key: display(rendered.key), value: display(rendered.value) }),
    ...known,
  };
  const nearest = base.outcome === "false" ? nearestPart(base.key ?? null, base.value ?? null) : undefined;
  return nearest === undefined ? base : { ...base, nearest };
}
