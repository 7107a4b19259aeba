export { attestationScope, type StatementNames } from "./attestation-scope.ts";
export {
  type CheckOptions,
  type ConditionsResult,
  type ConditionTrace,
  check,
  rememberingCheck,
  type SourcePosition,
} from "./check.ts";
export {
  type CompileConditionsOptions,
  type CompiledConditions,
  compileConditions,
} from "./compile-conditions.ts";
export { ConditionError, type ConditionErrorCode, type ConditionErrorFields } from "./condition-error.ts";
export { explainCondition } from "./explain.ts";
export { type ParseJsonOptions, parseJson } from "./go/go-json.ts";
export * as goYaml from "./go/go-yaml.ts";
export type { Extension } from "./jmespath/ast.ts";
export { type CompiledExpression, type CompileOptions, compile, evaluate } from "./jmespath/compile.ts";
export type { Json, JsonObject, Value, ValueObject } from "./json.ts";
export type { Limits } from "./limits.ts";
export { operatorNames } from "./operators/operators.ts";
export {
  type ChildOptions,
  createScope,
  type Dialect,
  type Scope,
  type ScopeOptions,
} from "./scope.ts";
export { emptyVariables, substitute, type VariableUse, variablesIn } from "./substitution/substitute.ts";
