import { ConditionError } from "./condition-error.ts";

/** What one evaluation may use. Every field has a default; none can be switched off. */
export interface Limits {
  /** Longest expression or template, in characters. Default 65,536. */
  readonly expression: number;
  /** Deepest nesting of an expression, of data that is compared or printed, and of substituted documents. Default 256. */
  readonly depth: number;
  /** Nodes, elements and calls that are evaluated. Default 2,000,000. */
  readonly steps: number;
  /** Characters of text that functions and substitution may build, all in all. Default 33,554,432. */
  readonly output: number;
  /** Elements of a list that is built. Default 1,000,000. */
  readonly list: number;
  /** Longest regular expression, in characters. Default 4,096. */
  readonly regexp: number;
}

export const defaultLimits: Limits = {
  expression: 65_536,
  depth: 256,
  steps: 2_000_000,
  output: 33_554_432,
  list: 1_000_000,
  regexp: 4_096,
};

/** What is left of the limits during one evaluation. */
export interface Budget {
  readonly limits: Limits;
  steps: number;
  output: number;
}

export function createBudget(limits: Limits): Budget {
  return { limits, steps: limits.steps, output: limits.output };
}

/** Takes `count` steps, or throws `limitExceeded`. */
export function spend(budget: Budget, count: number): void {
  budget.steps -= count;
  if (budget.steps < 0) throw exceeded(`the evaluation takes more than ${budget.limits.steps} steps`);
}

/** Takes `length` characters of output, or throws `limitExceeded`: called before the text is built where it can be. */
export function spendOutput(budget: Budget, length: number): void {
  budget.output -= length;
  budget.steps -= length >> 6;
  if (budget.output < 0) throw exceeded(`the evaluation builds more than ${budget.limits.output} characters`);
  if (budget.steps < 0) throw exceeded(`the evaluation takes more than ${budget.limits.steps} steps`);
}

/** Throws `limitExceeded` when a list of that length may not be built. */
export function checkList(budget: Budget, length: number): void {
  spend(budget, length);
  if (length > budget.limits.list) throw exceeded(`a list has more than ${budget.limits.list} elements`);
}

/** Throws `limitExceeded` below the allowed depth. */
export function checkDepth(limits: Limits, depth: number): void {
  if (depth > limits.depth) throw exceeded(`the nesting is deeper than ${limits.depth}`);
}

/** An error of code `limitExceeded`. */
export function exceeded(message: string): ConditionError {
  return new ConditionError(message, { code: "limitExceeded" });
}
