import { attestationScope, type ConditionsResult, check, type Value } from "@assay/conditions";
import type { Answers, Received } from "../table-case.ts";
import { floats, integers, orConditionError, receivedError } from "./condition-error.ts";
import { contextOf } from "./context.ts";
import { scopeOver } from "./expressions.ts";

export const answers: Answers = {
  operator: (asked) => {
    const { key, operator, value } = asked;
    const condition = {
      ...(key !== undefined && { key: literal(key) }),
      ...(operator !== undefined && { operator: String(operator) }),
      ...(value !== undefined && { value: literal(value) }),
    };
    return received(
      check([{ all: [condition] }], scopeOver(asked, contextOf(asked)), { kind: "preconditions" }),
    );
  },
  conditions: (asked) =>
    received(
      check(literal(asked["conditions"]), scopeOver(asked, contextOf(asked)), { kind: "preconditions" }),
      asked["want"],
    ),
  oldConditions: (asked) =>
    received(
      check(literal(asked["conditions"]), scopeOver(asked, contextOf(asked)), { kind: "preconditions" }),
      asked["want"],
    ),
  attestation: (asked) => {
    const statement = (asked["statement"] ?? {}) as Readonly<Record<string, unknown>>;
    let result: ConditionsResult | undefined;
    const made = orConditionError(() => {
      const scope = attestationScope(scopeOver(asked, contextOf(asked)), {
        predicate: floats(statement["predicate"] ?? null),
        predicateType: String(statement["predicateType"] ?? statement["type"] ?? ""),
        subject: floats(statement["subject"] ?? null),
      });
      result = check(literal(asked["conditions"]), scope, { kind: "attestation" });
    });
    return result === undefined ? made : received(result, asked["want"]);
  },
};

/** A condition as policies have it: `check` makes int64 of the integers that Kyverno reads as such. */
function literal(value: unknown): Value {
  return typeof value === "bigint" ? Number(value) : integersInside(value);
}

function integersInside(value: unknown): Value {
  return typeof value === "object" && value !== null ? integers(value) : floats(value);
}

/** The outcome; with the message where the table records one. */
function received(result: ConditionsResult, want?: unknown): Received {
  if (result.error !== undefined) return receivedError(result.error);
  const wanted = typeof want === "object" && want !== null && "message" in want ? want.message : undefined;
  if (typeof wanted === "string" && wanted !== result.message) {
    return { error: `the message is \`${result.message}\`, not \`${wanted}\`` };
  }
  return { value: result.holds };
}
