import { describe, expect, test } from "vitest";
import type { LabelSelector } from "../model.ts";
import { isLabelKey, isLabelValue, matchesSelector } from "./label-selector.ts";

const labels = { app: "web", env: "prod", "acme.example/tier": "gold", empty: "" };
type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];
const expression = (key: string, operator: Expression["operator"], ...values: string[]): LabelSelector => ({
  matchExpressions: [values.length === 0 ? { key, operator } : { key, operator, values }],
});

describe("labels satisfy a selector", () => {
  test.each<[string, LabelSelector, boolean]>([
    ["that asks nothing", {}, true],
    ["of their pairs", { matchLabels: { app: "web", env: "prod" } }, true],
    ["of a pair too many", { matchLabels: { app: "web", team: "pay" } }, false],
    ["by a wildcard in a key", { matchLabels: { "acme.example/*": "gold" } }, true],
    ["by a wildcard in a value", { matchLabels: { env: "pr?d" } }, true],
    ["by a wildcard for another pair's value", { matchLabels: { "a*": "prod" } }, false],
    ["by a name that every object has", { matchLabels: { constructor: "*" } }, false],
    ["In", expression("env", "In", "dev", "prod"), true],
    ["In others", expression("env", "In", "dev"), false],
    ["In of an absent label", expression("team", "In", "pay"), false],
    ["NotIn", expression("env", "NotIn", "dev"), true],
    ["NotIn of its own", expression("env", "NotIn", "dev", "prod"), false],
    ["NotIn of an absent label", expression("team", "NotIn", "pay"), true],
    ["Exists", expression("empty", "Exists"), true],
    ["Exists of a name that every object has", expression("constructor", "Exists"), false],
    ["DoesNotExist", expression("team", "DoesNotExist"), true],
    ["DoesNotExist of its own", expression("app", "DoesNotExist"), false],
    ["DoesNotExist of a name that every object has", expression("constructor", "DoesNotExist"), true],
    ["a wildcard in an expression's key, which no label has", expression("te*", "DoesNotExist"), false],
    ["a wildcard in an expression's value", expression("env", "NotIn", "d*"), false],
    [
      "pairs without the expressions",
      { matchLabels: { app: "web" }, ...expression("env", "In", "dev") },
      false,
    ],
  ])("%s", (_, selector, wanted) => {
    expect(matchesSelector(selector, labels)).toBe(wanted);
  });
});

// k8s.io/apimachinery/pkg/util/validation
test.each<[string, boolean]>([
  ["app", true],
  ["A_b.c-1", true],
  ["a".repeat(63), true],
  ["a".repeat(64), false],
  ["-app", false],
  ["", false],
  ["acme.example/app", true],
  ["Acme.example/app", false],
  ["acme..example/app", false],
  ["/app", false],
  ["a/b/c", false],
  [`${"a".repeat(253)}/app`, true],
  [`${"a".repeat(254)}/app`, false],
])("a label may be called %s: %s", (key, wanted) => {
  expect(isLabelKey(key)).toBe(wanted);
});

test.each<[string, boolean]>([
  ["", true],
  ["1.2", true],
  ["a b", false],
  ["a".repeat(64), false],
])("a label may be `%s`: %s", (value, wanted) => {
  expect(isLabelValue(value)).toBe(wanted);
});
