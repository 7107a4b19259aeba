import { describe, expect, test } from "vitest";
import { check } from "./check.ts";
import { evaluate } from "./jmespath/compile.ts";
import type { Value } from "./json.ts";
import { createScope } from "./scope.ts";

const ask = (expression: string, data: Value): unknown =>
  evaluate(expression, createScope({ data, now: new Date(0) }));

// Recorded from Kyverno 1.19.1, beyond what the tables of packages/conformance ask.
describe("round", () => {
  test.each([
    [2.675, 2, 2.68],
    [123_456_789, 23, 123_456_789],
    [7, 100, 7],
    [-30_635.406589135528, 100, -30_635.406589135528],
    [0.0009406218840740621, 308, 0.0009406218840740622],
    [1, 309, Number.NaN],
  ])("%d to %d places is %d", (number, places, expected) => {
    expect(ask("round(n, p)", { n: number, p: places })).toBe(expected);
  });
});

describe("regex_replace_all", () => {
  test.each([
    ["$1", "<b>"],
    ["$01", "<>"],
    ["$10", "<>"],
    ["$0", "<b>"],
  ])("%s makes %s", (replacement, expected) => {
    expect(ask("regex_replace_all('(b)', 'b', r)", { r: `<${replacement}>` })).toBe(expected);
  });
});

describe("divide", () => {
  test.each([
    ["1.2232e30", "+1", 1.2232000000000001e30],
    ["100m", "5.25m", 19.047619047619047],
    ["1023.0000000001E-20", "1.25e-3", 8.000000000000001e-7],
  ])("%s by %s is %d, to the last bit", (left, right, expected) => {
    expect(ask("divide(a, b)", { a: left, b: right })).toBe(expected);
  });
});

test.each([
  ["-9223372036854775808", "292277026596-12-04T15:30:08Z"],
  ["-9223372028741760000", "-292277022400-03-01T00:00:00Z"],
  ["9223372036854775807", "292277026596-12-04T15:30:07Z"],
])("%s seconds since 1970 are %s", (seconds, expected) => {
  expect(ask("time_parse('1', @)", seconds)).toBe(expected);
});

describe("contains", () => {
  test.each<[string, Value]>([
    ["contains([@], @)", { a: 1 }],
    ["contains(@, [0])", [[1]]],
    ["contains(@, @[0])", [[1], 2]],
    ["contains([&a], &a)", {}],
  ])("%s is an error, where Kyverno crashes", (expression, data) => {
    expect(() => ask(expression, data)).toThrow("cannot look for lists, objects or references inside a list");
  });

  test("looks for a list among other things, and finds none", () => {
    expect(ask("contains(@, `[1]`)", [1, "a", { b: 1 }, null])).toBe(false);
  });
});

test("space around an expression is what Go takes for space", () => {
  expect(ask("\u0085\u3000 a\v\u0085", { a: 1 })).toBe(1);
  expect(() => ask("\uFEFFa", { a: 1 })).toThrow("unexpected character");
});

describe("what is refused here alone is an error on the left of a projection, too, not nothing", () => {
  test.each<[string, Value]>([
    ["parse_yaml(@)[?privileged]", "- {?privileged: true}"],
    ["parse_yaml(@)[?privileged]", "[{privileged: true}]\n]"],
    ["parse_yaml(@).*", "a: 1\n#\u2028b: 2"],
    ["parse_yaml(@)[?privileged]", '- privileged: true\n  a: "\n"'],
    ["[base64_decode(@)][]", "/w=="],
    ["[regex_match('(?P<n>a)|(?P<n>b)', @)][]", "b"],
    ["[time_parse(@, '2024')][]", `2006${" ".repeat(200)}`],
    ["[semver_compare('1.0.0', @)][]", ">=1.0.0 ".repeat(200)],
    ["[x509_decode(@)][]", " ".repeat(70_000)],
  ])("%s", (expression, data) => {
    expect(() => ask(expression, data)).toThrow();
  });

  test("but what Kyverno refuses as well is nothing", () => {
    expect(ask("parse_yaml(@)[?privileged]", "a: b\0")).toBeNull();
    expect(ask("[base64_decode(@)][]", "!")).toBeNull();
  });
});

describe("texts of any length are what they are", () => {
  const zeros = "0".repeat(1_500);

  test.each<[string, Value, unknown]>([
    ["semver_compare(@, '<2.0.0')", `9.9.9-${"a".repeat(500)}`, false],
    ["to_number(@)", `${zeros}7`, 7],
    ["add(@, '1')", `${zeros}7`, "8"],
    ["add(@, '1s')", `${zeros}7s`, "8s"],
    ["time_parse('1', @)", `${zeros}7`, "1970-01-01T00:00:07Z"],
    ["time_utc(@)", `2024-06-01T10:00:00.${zeros}Z`, "2024-06-01T10:00:00Z"],
  ])("%s", (expression, data, expected) => {
    expect(ask(expression, data)).toBe(expected);
  });

  test.each([
    [`${zeros}`, "NotEquals", "0", "false"],
    ["1e12345", "NotEquals", "1e12345", "false"],
    ["1e12345", "GreaterThan", "1e12344", "true"],
    ["-1e12345", "LessThan", "-5", "true"],
    [`9.9.9-${"a".repeat(500)}`, "LessThan", "2.0.0", "false"],
    [`1${zeros}`, "NotEquals", "5", "error"],
    ["1h".repeat(101), "NotEquals", "101h", "error"],
    ["1e200000", "NotEquals", "5", "error"],
  ])("%.20s %s %s: %s", (key, operator, value, expected) => {
    const condition = { all: [{ key, operator, value }] };
    const scope = createScope({ now: new Date(0) });
    expect(check([condition], scope, { kind: "preconditions" }).outcome).toBe(expected);
  });
});

describe("what Kyverno reads by accident is an error", () => {
  test.each([
    "a\u0080",
    "a || @()",
    "a[1::9223372036854775807]",
    "time_add('2024-06-01T10:00:00Z', '9223372036854775808ns9223372036854775808ns')",
    "time_parse(' .00000000000', ' .000000000xx')",
    "(&a) == (&a)",
  ])("%s", (expression) => {
    expect(() => ask(expression, { a: [1] })).toThrow();
  });
});

describe("base64_decode refuses bytes that are no text", () => {
  test.each(["/w==", "gICA", "7aCA", "wA=="])("%s", (text) => {
    expect(() => ask("base64_decode(@)", text)).toThrow("the decoded bytes are no text");
    expect(() => ask("base64_decode(@) == base64_decode('/g==')", text)).toThrow("are no text");
  });

  test("but no others", () => {
    expect(ask("base64_decode(@)", "w6nwn5iA77+9AA==")).toBe("é😀\uFFFD\0");
  });
});

describe("random", () => {
  test.each([
    ["[a-c]{4}-[^\\x00-\\x60\\x7b-\\x7f][é]", /^[a-c]{4}-[a-z]é$/],
    ["[]a]{3}[^]a]", /^[\]a]{3}[^\]a]$/],
    ["\\x41\\x{1F600}\\101\\.\\n", /^A😀A\.\n$/],
    ["[[:digit:]]{2}[\\x{3b1}-\\x{3c9}]", /^[0-9]{2}[α-ω]$/],
  ])("%s makes a text that it matches", (pattern, expected) => {
    expect(ask("random(@)", pattern)).toMatch(expected);
  });

  test.each(["\\d{3}", "(?:a)", "(?i)a", "\\bfoo", "\\pL", "\\Qa\\E", "[\\w-]"])(
    "%s is an error: Kyverno does not read what Perl added",
    (pattern) => {
      expect(() => ask("random(@)", pattern)).toThrow("does not read");
    },
  );
});

test("a name for two groups of a regular expression is an error", () => {
  expect(() => ask("regex_match('(?P<n>a)|(?P<n>b)', 'b')", {})).toThrow("is invalid");
});

describe("parse_yaml refuses what go-yaml does not read", () => {
  test.each([
    "%a",
    "%FOO bar\n---\na: 1",
    "%YAML 1.2\n---\na: yes",
    "a: &é 1",
    "a: b\0",
    'a: "\\"',
    '"b\\"',
    "a: \u007F",
    "a: \u0090",
    "# \uFFFE",
    "&*",
    '"\\ud83d\\ude00"',
    '"\\U0000d800"',
    "\t",
    "# a\n \t# b",
    "\n\ta: 1",
    ">- ---\n a",
    "| # a\n \ta",
  ])("%j", (text) => {
    expect(() => ask("parse_yaml(t)", { t: text })).toThrow("the YAML text is broken");
  });

  test.each(["{} x", '"a" b', "[a]\n]", "|\na", ">\n\na"])(
    "nor %j, behind whose value it never looks",
    (text) => {
      expect(() => ask("parse_yaml(t)", { t: text })).toThrow("the YAML text is broken");
    },
  );

  test.each([
    "a: 1\n#\u2028b: 2",
    "#\rb: 2",
    "{?a: b}",
    "{a :b}",
    "{a:, b: c}",
    "[!!str, b]",
    '"b\\\n\n  c"',
    "a: &x {?b: c}\nd: *x",
    "\ufeff a: 1\nb: 2",
    "a: |1\n  b\n  \n",
  ])("nor %j, which it reads otherwise than the parser here", (text) => {
    expect(() => ask("parse_yaml(t)", { t: text })).toThrow(/the YAML text is broken: kubernetes reads/);
  });

  test.each<[string, unknown]>([
    ["a: &x b ?c\nd: {e: *x}", { a: "b ?c", d: { e: "b ?c" } }],
    ["a: 1\n<<: {a: 2, b: 3}", { a: 2, b: 3 }],
    ["! <<: {a: 2}", { a: 2 }],
    ["!!str <<: {a: 2}", { "<<": { a: 2 } }],
    ["%YAML 1.1\n---\na: yes", { a: true }],
    ["%TAG !e! tag:example.com,2024:\n---\na: 1", { a: 1 }],
    ["a: &A-1_b 1\nb: *A-1_b", { a: 1, b: 1 }],
    ["a: &x {b: &y 1}\nc: &y 2\nd: *x\ne: *y", { a: { b: 1 }, c: 2, d: { b: 1 }, e: 2 }],
    ["a: &y 1\nb: &x [*y]\nc: &y 2\nd: *x", { a: 1, b: [1], c: 2, d: [1] }],
    ["a: &x b\n&x <<: {c: d}\ne: *x", { a: "b", c: "d", e: "<<" }],
    ['"\\\\ud800"', "\\ud800"],
    ["|\n a\n", "a\n"],
    ["|1\n \ta\n", "\ta\n"],
    ["a:\t1", { a: 1 }],
    ["|- # a\n  b\n", "b"],
    ["- |\n a\n", ["a\n"]],
  ])("but reads %j", (text, expected) => {
    expect(ask("parse_yaml(t)", { t: text })).toEqual(expected);
  });
});

// Kyverno's `sort_by` compares NaN as equal to everything, and leaves the others as they stand around it.
test.each(["sort(list)", "sort_by(list, &@)"])(
  "%s puts NaN before every other number, and sorts those",
  (expression) => {
    const list = [5, 6, Number.NaN, 7, 8, Number.NaN, 9, 1];
    expect(ask(expression, { list })).toEqual([Number.NaN, Number.NaN, 1, 5, 6, 7, 8, 9]);
  },
);
