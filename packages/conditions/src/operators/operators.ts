import { ConditionError } from "../condition-error.ts";
import { nearestOf } from "../functions/function-table.ts";
import { toLower } from "../go/case-mapping.ts";
import { compareDurations, compareNumeric, equals } from "./compare-operators.ts";
import { includesAll, includesAny, includesDeprecated } from "./membership.ts";
import type { Operator } from "./operator.ts";

const order = {
  GreaterThan: (sign: number): boolean => sign > 0,
  GreaterThanOrEquals: (sign: number): boolean => sign >= 0,
  LessThan: (sign: number): boolean => sign < 0,
  LessThanOrEquals: (sign: number): boolean => sign <= 0,
} as const;

/** Kyverno's operators by the name they are documented under. */
const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["Equal", equals(false)],
  ["Equals", equals(false)],
  ["NotEqual", equals(true)],
  ["NotEquals", equals(true)],
  ["In", includesDeprecated(false)],
  ["NotIn", includesDeprecated(true)],
  ["AnyIn", includesAny(false)],
  ["AnyNotIn", includesAny(true)],
  ["AllIn", includesAll(false)],
  ["AllNotIn", includesAll(true)],
  ...Object.entries(order).map(([name, test]) => [name, compareNumeric(test)] as const),
  ...Object.entries(order).map(([name, test]) => [`Duration${name}`, compareDurations(test)] as const),
]);
const lowerCase = new Map([...operators.keys()].map((name) => [name.toLowerCase(), name]));

/** The names of all operators, for lint and messages. */
export const operatorNames: readonly string[] = [...operators.keys()];

/**
 * The operator of a name. Kyverno finds names in any case, but the ordering operators then compare their own name
 * exactly: `greaterthan` is accepted and never true. Throws `unknownOperator`.
 */
export function operatorOf(name: unknown): Operator {
  const known = typeof name === "string" ? lowerCase.get(toLower(name)) : undefined;
  const operator = known === undefined ? undefined : operators.get(known);
  if (known === undefined || operator === undefined) throw unknownOperator(name);
  return /Than/.test(known) && known !== name ? () => false : operator;
}

function unknownOperator(name: unknown): ConditionError {
  const shown = typeof name === "string" ? name.slice(0, 80) : "";
  const nearest = nearestOf(shown, operatorNames);
  const hint = nearest === undefined ? "" : `, did you mean \`${nearest}\`?`;
  const message = shown === "" ? "the condition has no operator" : `unknown operator \`${shown}\`${hint}`;
  return new ConditionError(message, {
    code: "unknownOperator",
    key: shown,
    ...(nearest !== undefined && { nearest }),
  });
}
