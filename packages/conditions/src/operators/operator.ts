import type { Value } from "../json.ts";
import type { Budget } from "../limits.ts";
import type { Dialect } from "../scope.ts";

/** What an operator needs besides its two values. */
export interface OperatorContext {
  readonly budget: Budget;
  readonly dialect: Dialect;
}

/** Whether key and value fulfil an operator. */
export type Operator = (key: Value, value: Value, context: OperatorContext) => boolean;
