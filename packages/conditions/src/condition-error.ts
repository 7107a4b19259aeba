import type { Json } from "./json.ts";

/** Why an expression, a substitution or a condition has no answer. Closed. */
export type ConditionErrorCode =
  /** The expression does not parse. */
  | "syntax"
  /** `{{ }}` with nothing in it. */
  | "emptyExpression"
  /** A path names a key that is not there: an error in Kyverno, not null. */
  | "unknownKey"
  | "unknownFunction"
  | "unknownOperator"
  /** A function got a value of a type that it does not take. */
  | "wrongType"
  /** A function got too few or too many arguments. */
  | "wrongArity"
  /** An argument of the right type with a value that the function refuses. */
  | "badArgument"
  | "badRegexp"
  | "badBase64"
  | "badTime"
  | "badDuration"
  | "badImage"
  /** A character in a JSON text that cannot stand there. */
  | "badJson"
  /** Text that does not parse as what it should be: JSON that ends too soon, YAML, a version range, a certificate, a URL. */
  | "badText"
  /** `$(./path)` leads nowhere, or to something that is no text. */
  | "badReference"
  /** A key of a map became something else than text. */
  | "badKey"
  /** The conditions are not of Kyverno's shape. */
  | "malformed"
  /** What makes Kyverno crash. */
  | "undefinedInKyverno"
  /** A budget ran out: depth, steps, output, list, text or regexp size. */
  | "limitExceeded"
  /** Something that Kyverno does and that is not done here, such as looking up a host name. */
  | "unsupported";

/** What a `ConditionError` knows about the place and the reason. */
export interface ConditionErrorFields {
  readonly code: ConditionErrorCode;
  /** The expression without its braces. */
  readonly expression?: string;
  /** Where in `expression`, in UTF-16 units from 0. */
  readonly offset?: number;
  /** Where in the substituted document or the conditions, as Kyverno writes it: `/0/all/1/key`. */
  readonly path?: string;
  /** The key that was not found. */
  readonly key?: string;
  /** The keys that were there instead, at most 20. */
  readonly availableKeys?: readonly string[];
  /** The available key (or function, or operator) that is closest in spelling. */
  readonly nearest?: string;
  /** What was found instead, where that helps. */
  readonly received?: Json;
}

/**
 * An expression, substitution or condition that could not be evaluated. It follows from the policy and the data:
 * what a scope's `resolve` throws is never wrapped in it.
 */
export class ConditionError extends Error implements ConditionErrorFields {
  override readonly name = "ConditionError";
  readonly code: ConditionErrorCode;
  readonly expression?: string;
  readonly offset?: number;
  readonly path?: string;
  readonly key?: string;
  readonly availableKeys?: readonly string[];
  readonly nearest?: string;
  readonly received?: Json;

  constructor(message: string, fields: ConditionErrorFields, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = fields.code;
    Object.assign(this, fields);
  }
}

/** The same error, told where it happened; fields that it already has stay. */
export function located(error: ConditionError, where: Omit<ConditionErrorFields, "code">): ConditionError {
  const { code, expression, offset, path, key, availableKeys, nearest, received } = error;
  const known = { code, expression, offset, path, key, availableKeys, nearest, received };
  const fields = Object.fromEntries(
    [...Object.entries(where), ...Object.entries(known)].filter(([, value]) => value !== undefined),
  );
  return new ConditionError(error.message, { ...fields, code }, error.cause);
}

/** An error of code `wrongType`. */
export function wrongType(message: string): ConditionError {
  return new ConditionError(message, { code: "wrongType" });
}
