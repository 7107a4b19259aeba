import { ConditionError, located } from "../condition-error.ts";
import { isObject, type Value } from "../json.ts";
import type { Budget } from "../limits.ts";
import type { Scope } from "../scope.ts";
import { renderTemplate, substituteValue } from "./substitute.ts";
import { compileTemplate, type TemplateOptions } from "./template.ts";

/** A piece of policy whose variables were parsed; rendering it evaluates them. */
export type Prepared = (scope: Scope, budget: Budget) => Value;

export interface PrepareOptions extends TemplateOptions {
  /** The piece is part of one document, as in attestations; otherwise it is a document of its own. */
  readonly whole: boolean;
}

/**
 * Parses the variables of a key, value or message once. An expression that does not parse fails when it is rendered,
 * as in Kyverno, where a condition that is never reached does no harm. `path` is for errors.
 */
export function prepare(value: Value, path: string, options: PrepareOptions): Prepared {
  const base = options.whole ? path : "";
  if (typeof value === "string") return prepareText(value, path, options);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => prepare(item, `${path}/${index}`, options));
    return (scope, budget) => items.map((item) => item(scope, budget));
  }
  if (!isObject(value)) return () => value;
  // Keys may hold variables too; maps as keys or values of conditions are rare enough to walk them each time.
  return (scope, budget) => withPath(path, () => substituteValue(value, scope, budget, base));
}

function prepareText(text: string, path: string, options: PrepareOptions): Prepared {
  const base = options.whole ? path : "";
  if (!text.includes("{{")) return () => text;
  if (/\{\{-?\s*@\s*\}\}/.test(text)) {
    return (scope, budget) => withPath(path, () => substituteValue(text, scope, budget, base));
  }
  try {
    const template = compileTemplate(text, options);
    return (scope, budget) => withPath(path, () => renderTemplate(template, scope, budget));
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const known = located(error, { path });
    return () => {
      throw known;
    };
  }
}

function withPath<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const { message, cause, ...fields } = error;
    throw new ConditionError(
      message,
      { ...fields, code: error.code, path: path + (error.path ?? "") },
      cause,
    );
  }
}
