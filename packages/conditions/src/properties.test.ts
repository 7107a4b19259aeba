import { search } from "@jmespath-community/jmespath";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { json } from "../test/arbitraries.ts";
import { attack, run } from "../test/attack.ts";
import { ConditionError } from "./condition-error.ts";
import { formatDuration, parseDuration } from "./go/duration.ts";
import { parseJson } from "./go/go-json.ts";
import { formatTimeExact, parseTime } from "./go/go-time.ts";
import { compareQuantities, formatQuantity, parseQuantity } from "./go/quantity.ts";
import { compile, evaluate } from "./jmespath/compile.ts";
import type { Json, Value } from "./json.ts";
import { createBudget, defaultLimits } from "./limits.ts";
import { operatorOf } from "./operators/operators.ts";
import { createScope } from "./scope.ts";
import { substitute } from "./substitution/substitute.ts";

const now = new Date("2024-06-02T10:00:00Z");

test("whatever comes in, a value or a ConditionError comes out", () => {
  fc.assert(
    fc.property(attack, (input) => {
      expect(["value", "error"]).toContain(run(input));
    }),
    { numRuns: 2_000 },
  );
});

describe("data is never read as a template", () => {
  test("alone, inside text and as a key", () => {
    fc.assert(
      fc.property(json, fc.string({ unit: "binary" }), (value, text) => {
        const scope = createScope({ data: { value, text, secret: "SECRET" }, now });
        expect(substitute("{{ value }}", scope)).toEqual(value);
        expect(substitute("<{{ text }}>", scope)).toBe(`<${text}>`);
        expect(Object.keys(substitute({ "{{ text }}": 1 }, scope) as object)).toEqual([text]);
      }),
    );
  });

  test("nor as a part of the expression around it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const scope = createScope({ data: { text, secret: "SECRET" }, now });
        expect(substitute("{{ '{{ text }}' }}", scope)).toBe(text);
        expect(substitute('{{ `["{{ text }}"]` }}', scope)).toEqual([
          text.replace(/\p{Surrogate}/gu, "\uFFFD"),
        ]);
      }),
    );
  });
});

describe("parse and print agree", () => {
  test("durations", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (nanoseconds) => {
        expect(parseDuration(formatDuration(nanoseconds))).toBe(nanoseconds);
      }),
    );
  });

  test("quantities", () => {
    const suffix = fc.constantFrom(
      "",
      "n",
      "u",
      "m",
      "k",
      "M",
      "G",
      "T",
      "P",
      "E",
      "Ki",
      "Mi",
      "Gi",
      "Ti",
      "Pi",
      "e3",
      "E-2",
    );
    fc.assert(
      fc.property(fc.integer(), fc.nat(999), suffix, (whole, fraction, unit) => {
        const quantity = parseQuantity(`${whole}.${fraction}${unit}`);
        const again = quantity && parseQuantity(formatQuantity(quantity));
        expect(quantity && again && compareQuantities(quantity, again)).toBe(0);
      }),
    );
  });

  test("times", () => {
    const range = {
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T00:00:00Z"),
      noInvalidDate: true,
    };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const time = parseTime(date.toISOString());
        expect(time && new Date(formatTimeExact(time)).getTime()).toBe(date.getTime());
      }),
    );
  });

  test("JSON, as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "grapheme" }), (text) => {
        expect(parseJson(text, { duplicateKeys: "last" })).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("operators", () => {
  const context = {
    budget: createBudget({ ...defaultLimits, steps: 1e9, output: 1e9 }),
    dialect: "assay" as const,
  };
  const holds = (key: Value, operator: string, value: Value): boolean =>
    operatorOf(operator)(key, value, context);

  test("NotEquals is the contrary of Equals, but for null and the empty text", () => {
    fc.assert(
      fc.property(json, json, (key, value) => {
        fc.pre(key !== null && value !== "");
        expect(holds(key, "NotEquals", value)).toBe(!holds(key, "Equals", value));
      }),
    );
  });

  test("what is in all is in any, and what is in none is not in all", () => {
    const list = fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(list, list, (key, value) => {
        if (holds(key, "AllIn", value)) expect(holds(key, "AnyIn", value)).toBe(true);
        expect(holds(key, "AnyNotIn", value)).toBe(!holds(key, "AllIn", value));
        expect(holds(key, "AllNotIn", value)).toBe(!holds(key, "AnyIn", value));
      }),
    );
  });

  test("the orders are total on numbers", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        expect(holds(a, "LessThan", b)).toBe(a < b);
        expect(holds(a, "GreaterThanOrEquals", b)).toBe(a >= b);
      }),
    );
  });
});

/** Expressions in which both engines must agree: the specification's grammar, no functions that order at random. */
const plain: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("a", "b", "c", "@", "`1`", "'x'", "`[1,2]`"),
    fc
      .tuple(tie("node"), fc.constantFrom(".a", ".b", "[0]", "[-1]", "[*]", "[]", "[?a]", "[?@ == `1`]"))
      .map((pair) => pair.join("")),
    fc
      .tuple(tie("node"), fc.constantFrom("||", "&&", "|", "==", "!=", "<"), tie("node"))
      .map((parts) => parts.join(" ")),
    tie("node").map((node) => `!${node}`),
    tie("node").map((node) => `type(${node})`),
    tie("node").map((node) => `to_array(${node})`),
    tie("node").map((node) => `not_null(${node}, 'd')`),
  ),
})).node;

const documents = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Json>(1, 2, "x", "", true, false, null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3 }) as fc.Arbitrary<Json>,
  ),
})).value;

test("standard mode answers as another implementation of JMESPath does", () => {
  let compared = 0;
  fc.assert(
    fc.property(plain, documents, (expression, document) => {
      const theirs = theirAnswer(expression, document);
      const ours = ourAnswer(expression, document);
      fc.pre(theirs !== undefined && ours !== undefined);
      compared++;
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 2_000, maxSkipsPerRun: 20 },
  );
  expect(compared).toBe(2_000);
});

function ourAnswer(expression: string, document: Json): { value: Json } | undefined {
  try {
    return {
      value: evaluate(compile(expression, { mode: "standard" }), createScope({ data: document, now })),
    };
  } catch (error) {
    if (error instanceof ConditionError) return undefined;
    throw error;
  }
}

function theirAnswer(expression: string, document: Json): { value: unknown } | undefined {
  try {
    return { value: search(document as Parameters<typeof search>[0], expression) };
  } catch {
    return undefined;
  }
}
