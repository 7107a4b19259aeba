import { ConditionError } from "./condition-error.ts";
import { parseGoJson } from "./go/go-json.ts";
import { isObject, own, setOwn, type Value, type ValueObject } from "./json.ts";
import type { Scope } from "./scope.ts";

/** The parts of a *verified* in-toto statement that conditions see. */
export interface StatementNames {
  /** An object: Kyverno has no conditions on anything else. */
  readonly predicate: Value;
  readonly predicateType: string;
  readonly subject: Value;
  /** Who signed it, as far as that was verified. */
  readonly signer?: Value;
  /** `attestations[].name`: the predicate under this name too. The name `attestation` turns the alias off. */
  readonly name?: string;
}

/**
 * The scope of an attestation's conditions: the names of the parent, the keys of the predicate, and `attestation` with
 * `predicate`, `predicateType`, `subject` and `signer`.
 *
 * INVARIANT: whoever signs the predicate cannot change what another name means: a key of the predicate never wins over
 * a name of the parent, over `attestation`, or over the entry's own name.
 * Throws `malformed` when the predicate is no object.
 */
export function attestationScope(parent: Scope, statement: StatementNames): Scope {
  const { name, predicate } = statement;
  if (!isObject(predicate)) {
    throw new ConditionError("the predicate of the statement is no object", { code: "malformed" });
  }
  const named = name === undefined ? {} : { [name]: predicate };
  const alias = name === "attestation" ? {} : { attestation: aliasOf(statement, predicate) };
  return parent.child({ data: { ...alias, ...named } }).child({ data: predicate });
}

function aliasOf({ predicateType, subject, signer }: StatementNames, predicate: ValueObject): ValueObject {
  return {
    predicate: withData(predicate),
    predicateType,
    subject,
    ...(signer !== undefined && { signer }),
  };
}

/**
 * cosign wraps a custom predicate as `{Data: "…", Timestamp: "…"}`: there `attestation.predicate.X` also finds the `X`
 * of the JSON object in `Data`. The predicate's own keys win.
 */
function withData(predicate: ValueObject): ValueObject {
  const data = own(predicate, "Data");
  const inner = typeof data === "string" ? parseObject(data) : undefined;
  if (inner === undefined) return predicate;
  const merged: Record<string, Value> = {};
  for (const source of [inner, predicate]) {
    for (const [key, value] of Object.entries(source)) setOwn(merged, key, value);
  }
  return merged;
}

function parseObject(text: string): ValueObject | undefined {
  try {
    const value = parseGoJson(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof ConditionError) return undefined;
    throw error;
  }
}
