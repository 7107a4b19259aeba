import { describe, expect, test } from "vitest";
import { check } from "../check.ts";
import { ConditionError } from "../condition-error.ts";
import type { Json, Value } from "../json.ts";
import { createBudget, defaultLimits } from "../limits.ts";
import { createScope } from "../scope.ts";
import { operatorNames, operatorOf } from "./operators.ts";

const context = { budget: createBudget(defaultLimits), dialect: "assay" as const };
const holds = (key: Value, operator: string, value: Value): boolean =>
  operatorOf(operator)(key, value, context);

// Kyverno v1.19.1, pkg/engine/variables/operator; the recorded tables have about 1,900 more.
describe("Equals", () => {
  test.each<[Value, Value, boolean]>([
    ["a/b:1", "a/*", true],
    ["a*", "ab", false],
    ["5", "*", false],
    ["1Gi", "1024Mi", true],
    ["1Gi", "1*", false],
    ["1", "1.0", true],
    ["1h", 3600, true],
    [3600, "1h", false],
    ["5s", 5.7, true],
    ["0", "0s", false],
    [5, "5e0", true],
    [5, " 5", false],
    [true, "true", false],
    [["a", 1], ["a", 1], true],
    [["a", "b"], ["b", "a"], false],
    ["[]", [], false],
    [null, null, false],
  ])("%j Equals %j: %s", (key, value, expected) => {
    expect(holds(key, "Equals", value)).toBe(expected);
    expect(holds(key, "NotEquals", value)).toBe(key === null ? false : !expected);
  });
});

describe("int64 and float64", () => {
  test("compare by value, without losing a digit", () => {
    expect(holds(9007199254740993n, "Equals", 9007199254740992)).toBe(false);
    expect(holds(9007199254740992n, "Equals", 9007199254740992)).toBe(true);
    expect(holds([1, { a: 2 }], "Equals", [1n, { a: 2n }])).toBe(true);
    expect(holds(1e6, "AnyIn", [1000000n])).toBe(true);
    expect(holds(-0, "AnyIn", [0])).toBe(true);
    expect(holds([0n], "AllIn", [-0])).toBe(true);
    expect(holds(-0, "AnyNotIn", [0n])).toBe(false);
    expect(holds(-0, "Equals", 0)).toBe(true);
    expect(holds(9007199254740993n, "Equals", "9007199254740993")).toBe(true);
    expect(holds(9007199254740993n, "AnyIn", [9007199254740992n])).toBe(false);
    expect(holds([9007199254740993n], "AllIn", [9007199254740992n])).toBe(false);
    expect(holds(9007199254740993n, "In", [9007199254740992n])).toBe(false);
    expect(holds(9007199254740993n, "AnyNotIn", [9007199254740992])).toBe(true);
    expect(holds(-9223372036854775808n, "AnyIn", [1e21])).toBe(false);
    expect(holds(1e21, "AnyNotIn", [-9223372036854775808n])).toBe(true);
    expect(holds([-9223372036854775808n], "Equals", [1e21])).toBe(false);
    expect(holds({ a: 1e21 }, "NotEquals", { a: -9223372036854775808n })).toBe(true);
  });
});

describe("membership", () => {
  test.each<[Value, string, Value, boolean]>([
    ["a", "AnyIn", ["a", "b"], true],
    ["ab", "AnyIn", ["a*"], true],
    ["*", "AnyIn", ["anything"], true],
    ["5", "AnyIn", "1-10", true],
    ["15Mi", "AnyIn", "10Mi-20Mi", true],
    ["15", "AnyIn", "1-10", false],
    ["a", "AnyIn", '["a","b"]', true],
    ["a", "AnyIn", "true", false],
    ["a", "AnyNotIn", "true", false],
    // Valid JSON, though no float64 holds it: the value has no type that the operator takes.
    ["a", "AnyNotIn", "1e400", false],
    [["a"], "AllNotIn", '["b", 1e400]', false],
    [[], "AnyIn", ["a"], false],
    [[], "AllIn", ["a"], true],
    [["a", "c"], "AnyIn", ["a"], true],
    [["a", "c"], "AllIn", ["a"], false],
    [["a", "c"], "AnyNotIn", ["a"], true],
    [["a", "c"], "AllNotIn", ["a"], false],
    [["5", "50"], "AnyNotIn", "1-10", true],
    [["a"], "NotIn", "a", true],
    [{ a: 1 }, "AnyNotIn", ["a"], false],
    [null, "AnyNotIn", ["a"], false],
  ])("%j %s %j: %s", (key, operator, value, expected) => {
    expect(holds(key, operator, value)).toBe(expected);
  });

  test.each(["In", "NotIn"])(
    "%s with a list of other things than texts is an error where Kyverno crashes",
    (name) => {
      expect(() => holds([1], name, [1])).toThrow(ConditionError);
    },
  );
});

describe("order", () => {
  test.each<[Value, string, Value, boolean]>([
    [2, "GreaterThan", 1, true],
    [2, "GreaterThanOrEquals", "2", true],
    ["24h", "LessThan", "86401", false],
    ["86401", "LessThan", "24h", false],
    ["86401s", "GreaterThan", "24h", true],
    ["1Gi", "GreaterThan", "512Mi", true],
    ["9007199254740993", "GreaterThan", "9007199254740992", true],
    ["1.10.0", "GreaterThan", "1.9.0", true],
    ["v1.10.0", "GreaterThan", "v1.9.0", false],
    ["NaN", "LessThanOrEquals", "NaN", false],
    [true, "GreaterThan", false, false],
    ["1h", "DurationGreaterThan", "59m", true],
    ["0", "DurationLessThan", 1, true],
    [60, "DurationLessThanOrEquals", "1m", true],
    ["2024-06-01T10:00:00.000000001Z", "GreaterThan", "2024-06-01T12:00:00+02:00", true],
    ["2024-06-01T10:00:00Z", "LessThanOrEquals", "2024-06-01T10:00:00Z", true],
    ["2024-06-01", "LessThan", "2024-06-02", false],
  ])("%j %s %j: %s", (key, operator, value, expected) => {
    expect(holds(key, operator, value)).toBe(expected);
  });

  test("times have no order in Kyverno's dialect", () => {
    const [key, value] = ["2024-06-02T10:00:00Z", "2024-06-01T10:00:00Z"];
    expect(operatorOf("GreaterThan")(key, value, { ...context, dialect: "kyverno" })).toBe(false);
  });
});

describe("names", () => {
  test("are the sixteen and their two aliases", () => {
    expect([...operatorNames].sort()).toEqual([
      "AllIn",
      "AllNotIn",
      "AnyIn",
      "AnyNotIn",
      "DurationGreaterThan",
      "DurationGreaterThanOrEquals",
      "DurationLessThan",
      "DurationLessThanOrEquals",
      "Equal",
      "Equals",
      "GreaterThan",
      "GreaterThanOrEquals",
      "In",
      "LessThan",
      "LessThanOrEquals",
      "NotEqual",
      "NotEquals",
      "NotIn",
    ]);
  });

  test("are found in any case, but those of order then never hold", () => {
    expect(holds("a", "eQuAlS", "a")).toBe(true);
    // Go's lower case of U+0130 is a plain `i`.
    expect(holds("a", "\u0130n", ["a"])).toBe(true);
    expect(holds(2, "greaterthan", 1)).toBe(false);
  });

  test.each([
    ["Equls", "Equals"],
    ["", undefined],
    [undefined, undefined],
    [5, undefined],
  ])("%j is unknown", (name, nearest) => {
    const written = name === undefined ? { key: 1, value: 1 } : { key: 1, operator: name as Json, value: 1 };
    const { error } = check([{ all: [written] }], createScope({ now: new Date(0) }), {
      kind: "preconditions",
    });
    expect(error?.code).toBe("unknownOperator");
    expect(error?.nearest).toBe(nearest);
  });
});
