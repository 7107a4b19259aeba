import { describe, expect, test } from "vitest";
import { ConditionError } from "../condition-error.ts";
import type { Json } from "../json.ts";
import { createScope } from "../scope.ts";
import { emptyVariables, substitute, variablesIn } from "./substitute.ts";

const now = new Date("2024-06-02T10:00:00Z");
const data = {
  s: "abc",
  n: 5,
  key: "s",
  l: ["a", "<b>"],
  m: { x: { y: 1 } },
  by: { "5": "five", true: "yes", null: "nothing" },
  template: "{{ s }}",
  reference: "$(./../other)",
  escape: "\\{{ s }}",
  quote: "it's",
  inject: "s | to_upper(@)",
  nested: { "{{ s }}": ["{{ s }}", "$(./x)"] },
};
const scope = createScope({ data, now });

describe("text", () => {
  test.each<[Json, Json]>([
    ["{{ n }}", 5],
    ["{{ m }}", { x: { y: 1 } }],
    ["{{n}}-{{ s }}", "5-abc"],
    ["x{{ l }}", 'x["a","\\u003cb\\u003e"]'],
    ["\\{{ s }} {{ s }}", "{{ s }} abc"],
    ["{{ s", "{{ s"],
    ["é{{ s }}😀{{ n }}", "éabc😀5"],
    ["{{ '' }}{{ n }}", 5],
    ["\\{{ @ }}", "{{ @ }}"],
    ["{{ {a: s} }}", { a: "abc" }],
    [{ "{{ s }}": "{{ n }}" }, { abc: 5 }],
    [
      { a: "$(./../b)", b: "B{{ n }}" },
      { a: "B5", b: "B5" },
    ],
    [
      { a: "$(<=./../n)", n: 7 },
      { a: "<=7.000000", n: 7 },
    ],
    [{ spec: { "(name)": "x", r: "$(/spec/name)" } }, { spec: { "(name)": "x", r: "x" } }],
  ])("%j becomes %j", (document, expected) => {
    expect(substitute(document, scope)).toEqual(expected);
  });
});

describe("data is never a template", () => {
  test.each<[Json, Json]>([
    ["{{ template }}", "{{ s }}"],
    ["x{{ template }}", "x{{ s }}"],
    ["{{ reference }}", "$(./../other)"],
    ["x{{ escape }}", "x\\{{ s }}"],
    ["{{ nested }}", { "{{ s }}": ["{{ s }}", "$(./x)"] }],
    [{ "{{ template }}": 1 }, { "{{ s }}": 1 }],
  ])("%j becomes %j", (document, expected) => {
    expect(substitute(document, scope)).toEqual(expected);
  });
});

describe("nested variables are bound, not pasted", () => {
  test.each<[string, Json]>([
    ["{{ {{ key }} }}", "abc"],
    ["{{ m.{{ 'x' }}.y }}", 1],
    ['{{ "{{ key }}" }}', "abc"],
    ["{{ l[{{ `1` }}] }}", "<b>"],
    ["{{ to_upper('{{ s }}') }}", "ABC"],
    ["{{ '{{ quote }}' }}", "it's"],
    ["{{ `{{ n }}` }}", 5],
    ['{{ `{"a": "{{ quote }}"}` }}', { a: "it's" }],
    ["{{ length('{{ s }}{{ n }}') }}", 4],
    ['{{ by."{{ n }}" }}', "five"],
    ["{{ by.{{ n == `5` }} }}", "yes"],
    ["{{ by.{{ missing[] }} }}", "nothing"],
  ])("%s is %j", (text, expected) => {
    expect(substitute(text, scope)).toEqual(expected);
  });

  // A value that is no key must not stand for itself there: what it is asked of would not matter any more.
  test.each([
    ["{{ m.{{ n == `5` }} }}", "unknown key `true`"],
    ['{{ m."{{ n }}" }}', "unknown key `5`"],
    ["{{ m.{{ n }} }}", "`5` is no key"],
    ["{{ m.{{ l }} }}", "is no key"],
    ["{{ m.{{ m }} }}", "is no key"],
  ])("%s is an error", (text, message) => {
    expect(() => substitute(text, scope)).toThrow(message);
  });

  test("what looks like code is a key that is not there", () => {
    expect(() => substitute("{{ {{ inject }} }}", scope)).toThrow("unknown key `s | to_upper(@)`");
  });
});

describe("errors say where", () => {
  test.each<[Json, string, string]>([
    [{ a: [{ b: "{{ missing }}" }] }, "unknownKey", "/a/0/b"],
    [{ "a/b": "{{ missing }}" }, "unknownKey", "/a\\/b"],
    [{ a: "$(./../b)" }, "badReference", "/a"],
    [{ "{{ l }}": 1 }, "badKey", ""],
    ["{{}}", "emptyExpression", ""],
  ])("%j: %s at %s", (document, code, path) => {
    try {
      substitute(document, scope);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConditionError);
      expect(error).toMatchObject({ code, path });
    }
  });

  test("with the expression as it was written", () => {
    try {
      substitute("{{ missing.{{ key }} }}", scope);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ expression: "missing.{{ key }}", key: "missing" });
    }
  });
});

test("`{{- }}` around text takes text only, where Kyverno crashes", () => {
  expect(substitute("x{{- s }}", scope)).toBe("xabc");
  expect(() => substitute("x{{- n }}", scope)).toThrow("takes text only");
});

test("a DELETE request reads the old object", () => {
  const request = { operation: "DELETE", object: null, oldObject: { name: "old" } };
  expect(substitute("{{ request.object.name }}", createScope({ data: { request }, now }))).toBe("old");
});

test("`@` alone is the same place in the request's object", () => {
  const object = { spec: { n: 3 } };
  const document = { validate: { pattern: { spec: { n: "{{ @ }}" } } } };
  const expected = { validate: { pattern: { spec: { n: 3 } } } };
  expect(substitute(document, createScope({ data: { request: { object } }, now }))).toEqual(expected);
});

test("variablesIn lists what a document reads, nested ones first", () => {
  expect(variablesIn({ a: ["x {{ b.c }}", "{{ d.{{ e }} }}"], "{{ f }}": "{{ ( }}" })).toEqual([
    { expression: "b.c", roots: ["b"], path: "/a/0" },
    { expression: "e", roots: ["e"], path: "/a/1" },
    { expression: "d.{{ e }}", roots: ["d"], path: "/a/1" },
    { expression: "f", roots: ["f"], path: "" },
    { expression: "(", roots: undefined, path: "/{{ f }}" },
  ]);
});

test("emptyVariables tells which variables leave nothing, at any depth", () => {
  const given = createScope({ data: { none: "", some: "a", names: { a: "" }, zero: 0 }, now });
  const text = "x{{ none }}y{{ names.{{ some }} }}{{ some }}{{ zero }}";
  expect(emptyVariables(text, given)).toEqual(["none", "names.{{ some }}"]);
  expect(emptyVariables("\\{{ none }}", given)).toEqual([]);
  expect(() => emptyVariables("{{ missing }}", given)).toThrow(ConditionError);
});
