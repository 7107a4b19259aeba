import { ConditionError, located } from "../condition-error.ts";
import { toFloats } from "../go/go-json.ts";
import { templateText } from "../go/go-text.ts";
import { evaluateValue } from "../jmespath/compile.ts";
import { isObject, type Json, own, type Value } from "../json.ts";
import { type Budget, createBudget, defaultLimits } from "../limits.ts";
import type { Scope } from "../scope.ts";
import { currentPath } from "./current-path.ts";
import { resolveReferences } from "./references.ts";
import {
  type CompiledTemplate,
  type CompiledVariable,
  compileTemplate,
  type TemplateOptions,
} from "./template.ts";
import { mapLeaves } from "./traverse.ts";

/**
 * A document with its `$(…)` references and `{{ … }}` variables resolved, in leaves and keys. A text that is one
 * variable becomes the value itself, with its type; inside other text a value becomes text.
 *
 * INVARIANT: once only. A value that came from data is never read as a template, neither whole nor inside other text.
 * Throws `ConditionError` with the path and the expression.
 */
export function substitute(document: Value, scope: Scope): Json {
  const budget = createBudget(scope.limits);
  return toFloats(substituteValue(document, scope, budget), budget);
}

/**
 * `substitute` inside: keeps int64 and shares a budget. `base` is where the document stands in a larger one, which
 * `{{ @ }}` depends on.
 */
export function substituteValue(document: Value, scope: Scope, budget: Budget, base = ""): Value {
  const resolved = resolveReferences(document, budget);
  const options: TemplateOptions = { dialect: scope.dialect, limits: scope.limits, deleted: isDelete(scope) };
  return mapLeaves(resolved, budget, (value, path) => {
    if (typeof value !== "string" || !value.includes("{{")) return value;
    return at(path, () => {
      const current = (): string => currentAt(base + path, scope);
      return renderTemplate(compileTemplate(value, { ...options, current }), scope, budget);
    });
  });
}

/**
 * The variables of a text that are filled in with empty text, as the text writes them: what is left of the text without
 * them may mean more than was written. Throws as `substitute`.
 */
export function emptyVariables(text: string, scope: Scope): readonly string[] {
  const budget = createBudget(scope.limits);
  const options: TemplateOptions = { dialect: scope.dialect, limits: scope.limits, deleted: isDelete(scope) };
  const variables = compileTemplate(text, options).parts.filter((part) => typeof part !== "string");
  return variables
    .filter((variable) => variableText(variable, scope, budget) === "")
    .map(({ shown }) => shown);
}

/** Whether `request.object` means the old object. */
export function isDelete(scope: Scope): boolean {
  const request = scope.hasNames ? scope.get("request") : undefined;
  return isObject(request) && own(request, "operation") === "DELETE";
}

function at<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ConditionError) throw located(error, { path });
    throw error;
  }
}

/** What `{{ @ }}` means at a path: the same place in the target or the object of the request. */
function currentAt(path: string, scope: Scope): string {
  return currentPath(path, scope.get("target") === undefined ? ["request", "object"] : ["target"]);
}

/** The value of a text with variables. */
export function renderTemplate(template: CompiledTemplate, scope: Scope, budget: Budget): Value {
  const { parts } = template;
  const [only, ...others] = parts;
  if (only === undefined) return "";
  if (others.length === 0 && typeof only !== "string") return evaluateVariable(only, scope, budget);
  const late = lateVariable(parts);
  if (late === undefined) return parts.map((part) => partText(part, scope, budget)).join("");
  const before = parts.map((part) => (part === late ? undefined : partText(part, scope, budget)));
  // Nothing but empty texts around it: by the time that Kyverno comes to this variable it stands alone.
  if (before.every((text) => text === undefined || text === "")) return evaluateVariable(late, scope, budget);
  return before.map((text) => text ?? partText(late, scope, budget)).join("");
}

/** The only variable of the last round, in a text of nothing but variables. */
function lateVariable(parts: CompiledTemplate["parts"]): CompiledVariable | undefined {
  const variables = parts.filter((part) => typeof part !== "string");
  if (variables.length < parts.length) return undefined;
  const last = Math.max(...variables.map(({ round }) => round));
  const late = variables.filter(({ round }) => round === last);
  return late.length === 1 ? late[0] : undefined;
}

function partText(part: string | CompiledVariable, scope: Scope, budget: Budget): string {
  return typeof part === "string" ? part : variableText(part, scope, budget);
}

function variableText(variable: CompiledVariable, scope: Scope, budget: Budget): string {
  const value = evaluateVariable(variable, scope, budget);
  if (variable.shallow && value !== null && typeof value !== "string") {
    const message = "`{{- }}` takes text only where other text stands around it";
    throw new ConditionError(message, { code: "undefinedInKyverno", expression: variable.shown });
  }
  return templateText(value, budget);
}

function evaluateVariable(variable: CompiledVariable, scope: Scope, budget: Budget): Value {
  const holes = variable.nested.map((inner) => evaluateVariable(inner, scope, budget));
  try {
    return evaluateValue(variable.compiled, scope, budget, holes);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const { message, cause, ...fields } = error;
    throw new ConditionError(message, { ...fields, code: error.code, expression: variable.shown }, cause);
  }
}

/** A variable as it stands in a document. */
export interface VariableUse {
  /** Without braces. */
  readonly expression: string;
  /** The root names that it reads; `undefined` when it may read any, or does not parse. */
  readonly roots: readonly string[] | undefined;
  /** Where, as in errors: `/0/all/1/key`. */
  readonly path: string;
}

/** Every variable of a document, nested ones too, in order. Variables that do not parse are listed without roots. */
export function variablesIn(document: Value): readonly VariableUse[] {
  const found: VariableUse[] = [];
  const options: TemplateOptions = { dialect: "assay", limits: defaultLimits, deleted: false };
  mapLeaves(document, createBudget(defaultLimits), (value, path) => {
    if (typeof value === "string" && value.includes("{{")) collect(value, path, options, found);
    return value;
  });
  return found;
}

function collect(text: string, path: string, options: TemplateOptions, found: VariableUse[]): void {
  try {
    for (const part of compileTemplate(text, options).parts) {
      if (typeof part !== "string") collectVariable(part, path, found);
    }
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    found.push({ expression: error.expression ?? text, roots: undefined, path });
  }
}

function collectVariable(variable: CompiledVariable, path: string, found: VariableUse[]): void {
  for (const inner of variable.nested) collectVariable(inner, path, found);
  found.push({ expression: variable.shown, roots: variable.compiled.roots, path });
}
