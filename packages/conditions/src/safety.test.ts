import { describe, expect, test } from "vitest";
import { check } from "./check.ts";
import { ConditionError } from "./condition-error.ts";
import { evaluate } from "./jmespath/compile.ts";
import type { Json, Value } from "./json.ts";
import { createScope } from "./scope.ts";
import { substitute, variablesIn } from "./substitution/substitute.ts";

// What an attacker controls: every document, and in a shared cluster the policies too. Nothing may hang, run out of
// memory, or throw anything but a `ConditionError`.

const now = new Date("2024-06-02T10:00:00Z");
const many = Array.from({ length: 20_000 }, (_, at) => ({ name: `n${at}`, tags: ["a", "b"] }));
const deep = nested(100_000);
const scope = createScope({
  data: { many, deep, s: "x".repeat(100_000), n: 5, loop: "{{ loop }}" },
  now,
  // A tenth of the default, so that a busy machine runs these tests in no time.
  limits: { steps: 200_000 },
});

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConditionError) return error.code;
    throw error;
  }
  return "no error";
}

describe("a budget ends", () => {
  test.each([
    ["a list that doubles", `many${" | [@, @][]".repeat(40)}`],
    ["a list inside itself, printed", `n${" | [@, @]".repeat(40)} | to_string(@)`],
    ["a list inside itself, returned", `n${" | [@, @]".repeat(40)}`],
    [
      "lists inside themselves, compared",
      `[(n${" | [@, @]".repeat(40)}), (n${" | [@, @]".repeat(40)})] | [0] == [1]`,
    ],
    ["text that grows", `s | ${"replace_all(@, 'x', 'xxxx') | ".repeat(8)}length(@)`],
    ["insertion everywhere", "replace_all(s, '', s)"],
    ["joining", `join(s, split(s, ''))`],
    ["a deep comparison", "deep == deep[0]"],
    ["printing what is deep", "to_string(deep)"],
    ["a deep argument in a message", "length(n, deep)"],
    ["a large regular expression", "regex_match('(((a{1,30}){1,30}){1,30})', s)"],
    ["a regular expression of many small repetitions", `regex_match('${"(a|b){1000}".repeat(300)}', 'x')`],
    ["the same with brackets in classes", `regex_match('${"(a|[)]|[])(]){1000}".repeat(150)}', 'x')`],
    [
      "the same with quoted and escaped ones",
      `regex_match('${"(a|\\\\)|\\\\Q)\\\\E){1000}".repeat(150)}', 'x')`,
    ],
    ["small ones for each of a list", "many[?regex_match('(a|b){1000}(a|b){1000}(a|b){1000}', name)]"],
    ["a long regular expression", `regex_match('${"a".repeat(5_000)}', 'a')`],
    ["a random text of nothing, again and again", "random('((((((((()*)*)*)*)*)*)*)*)*')"],
    ["a random text of classes", "random('(((((([a-z]*)*)*)*)*)*)*')"],
    ["a large text for each of a list", `many[?contains('${"x".repeat(60_000)}', name)]`],
    ["brackets", "[".repeat(5_000)],
    ["parentheses", "(".repeat(5_000)],
    ["negations", `${"!".repeat(5_000)}n`],
    ["a long chain", `n${"[0]".repeat(5_000)}`],
    ["a long sum", `n${" + n".repeat(5_000)}`],
    ["a long expression", `'${"x".repeat(100_000)}'`],
    ["a deep literal", `\`${"[".repeat(5_000)}\``],
    ["a deep JSON text", `parse_json('${"[".repeat(5_000)}')`],
    ["a bomb of YAML aliases", `parse_yaml(\`"${yamlBomb()}"\`)`],
    ["a deep YAML text", `parse_yaml('${"[".repeat(2_000)}')`],
    ["a long YAML text", "parse_yaml(replace_all(s, 'x', 'xxxxx'))"],
    ["JSONPath over a large document", "$..a..b..c..d..e..f..g..h"],
  ])("of %s", (_name, expression) => {
    expect(codeOf(() => evaluate(expression, scope))).toMatch(
      /^(limitExceeded|syntax|badText|unsupported|wrongType|wrongArity|badRegexp)$/,
    );
  });

  function yamlBomb(): string {
    const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
    for (let level = 1; level < 10; level++)
      lines.push(`a${level}: &a${level} [${`*a${level - 1},`.repeat(9)}x]`);
    return lines.join("\\n");
  }

  test.each<[string, Value]>([
    ["deep documents", deep],
    ["deep templates", `${"{{ ".repeat(20_000)}n${" }}".repeat(20_000)}`],
    ["deep nesting that fits", `${"{{ ".repeat(300)}n${" }}".repeat(300)}`],
    ["references that never close", "x$(a".repeat(50_000)],
    ["escaped references that never close", "\\$(a".repeat(50_000)],
    ["long templates", `{{ n }}${"x".repeat(100_000)}`],
  ])("of substitution: %s", (_name, document) => {
    expect(codeOf(() => substitute(document, scope))).toBe("limitExceeded");
    // What is asked of a policy before there is data says that it cannot tell.
    if (typeof document === "string") expect(variablesIn(document)[0]?.roots).toBeUndefined();
  });

  test("of conditions", () => {
    const list = Array.from({ length: 5_000 }, (_, at) => `${"a*".repeat(50)}${at}`);
    const text = "a".repeat(2_000);
    const condition = { key: text, operator: "AnyIn", value: list };
    const result = check([{ all: [condition] }], scope, { kind: "preconditions" });
    expect(result).toMatchObject({ holds: false, outcome: "error", error: { code: "limitExceeded" } });
    const endless = Array.from({ length: 300_000 }, () => ({ key: 1, operator: "Equals", value: 1 }));
    expect(check(endless, scope, { kind: "attestation" }).error?.code).toBe("limitExceeded");
  });

  test("at the size that is asked for", () => {
    const small = createScope({ data: { many }, now, limits: { steps: 1_000 } });
    expect(codeOf(() => evaluate("many[].name", small))).toBe("limitExceeded");
    expect(evaluate("many[0].name", small)).toBe("n0");
  });
});

describe("what is linear stays quick", () => {
  test("many adjacent variables", () => {
    expect(substitute("{{ n }}".repeat(5_000), scope)).toBe("5".repeat(5_000));
  });

  test("many openings that never close", () => {
    const text = "{{ {a ".repeat(8_000);
    expect(substitute(text, scope)).toBe(text);
  });

  test("patterns with many stars", () => {
    expect(evaluate(`pattern_match('${"a*".repeat(200)}b', '${"a".repeat(1_000)}')`, scope)).toBe(false);
  });

  test.each([
    ["zeros", `${"0".repeat(999)}x`],
    ["digits", `${"1".repeat(999)}x`],
    ["zeros and a point", `${"0".repeat(400)}.${"0".repeat(400)}E+${"0".repeat(190)}x`],
  ])("texts that are nearly quantities: %s", (_name, text) => {
    const condition = {
      key: Array.from({ length: 500 }, () => text),
      operator: "AnyIn",
      value: ["1", "5-10"],
    };
    const began = performance.now();
    expect(check([{ all: [condition] }], scope, { kind: "preconditions" }).outcome).toBe("false");
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("blocks of PEM that never end, or end where none began", () => {
    const begins = "-----BEGIN X-----\n".repeat(3_600);
    const began = performance.now();
    for (const pem of [
      begins,
      `${begins}\n-----END X-----\n`,
      "-----BEGIN :-----\n-----END :-\n".repeat(2_000),
    ])
      expect(() => evaluate("x509_decode(pem)", scope.child({ data: { pem } }))).toThrow();
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test("regular expressions that others backtrack over", () => {
    expect(evaluate(`regex_match('^(a+)+$', '${"a".repeat(1_000)}b')`, scope)).toBe(false);
  });
});

test("a value that names itself is text, where Kyverno never ends", () => {
  expect(substitute("x{{ loop }}", scope)).toBe("x{{ loop }}");
});

test("an error on the left of a projection is null, but a budget that ran out is not", () => {
  expect(evaluate("parse_json('x')[]", scope)).toBeNull();
  expect(codeOf(() => evaluate("to_string(deep)[]", scope))).toBe("limitExceeded");
});

test("a trace stays small, whatever the values", () => {
  const wide = createScope({ data: { many, w: many.map(() => many) }, now });
  const conditions = [
    { all: [{ key: "{{ w }}", operator: "Equals", value: `{{ n${" | [@, @]".repeat(40)} }}` }] },
  ];
  const traces = check(conditions, wide.child({ data: { n: 1 } }), { kind: "preconditions" }).conditions;
  expect(JSON.stringify(traces).length).toBeLessThan(10_000);
});

test("nothing of a document is changed", () => {
  const data = { list: [3, 1, 2], o: { b: 1 } };
  const frozen = createScope({ data, now });
  const before = JSON.stringify(data);
  evaluate("[sort_by(list, &@), reverse(list), merge(o, {c: `2`}), items(o, 'k', 'v')]", frozen);
  expect(JSON.stringify(data)).toBe(before);
});

test("random texts follow from the clock, so that a verdict can be replayed", () => {
  const again = createScope({ now });
  expect(evaluate("random('[a-z0-9]{20}')", again)).toBe(evaluate("random('[a-z0-9]{20}')", scope));
  const later = createScope({ now: new Date(now.getTime() + 1_000) });
  expect(evaluate("random('[a-z0-9]{20}')", later)).not.toBe(evaluate("random('[a-z0-9]{20}')", scope));
});
