import fc from "fast-check";
import { kyvernoFunctions } from "../src/functions/kyverno-functions.ts";
import type { Json } from "../src/json.ts";
import { operatorNames } from "../src/operators/operators.ts";

// What hostile policies and documents look like: half made of the language's own pieces, half of noise.

const words = [
  "a",
  "b",
  "request",
  "object",
  "constructor",
  "__proto__",
  "toString",
  "hy-phen",
  "Data",
  "0",
  "",
];
const texts = [
  ...words,
  "{{ a }}",
  "\\{{ a }}",
  "{{",
  "}}",
  "$(./../a)",
  "*",
  "**a**",
  "?",
  "1",
  "-1.5",
  "1e400",
  "0x1p-2",
  "1Gi",
  "100m",
  "1e3",
  "1h30m",
  "-5s",
  "9223372036854775807ns",
  "2024-06-01T10:00:00Z",
  "2024-02-30T25:00:00+24:60",
  "1.2.3-rc.1",
  ">=1.0.0 <2.0.0 || 3.x",
  "(a+)+$",
  "[a-z]{1,5}",
  "\\p{L}",
  "- a: &x [1, *x]",
  "a: *b",
  "<<: {a: 1}",
  '{"a":{"a":{"a":1}}}',
  "nginx@sha256:0",
  "http://[::1]:80/",
  "2006-01-02 15:04:05 MST",
  "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
  "\uD800",
  "\u0000",
  "é😀ﬁßİ",
  "a".repeat(300),
];

const text = fc.oneof(fc.constantFrom(...texts), fc.string({ maxLength: 12, unit: "binary" }));
const scalar = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(0, -0, 1e21, 2 ** 53 + 2, Number.MAX_VALUE),
);

/** JSON with names that collide with what objects inherit, and texts that mean something to some function. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar as fc.Arbitrary<Json>,
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...words), tie("value")), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries) as Json),
  ),
})).value;

const literal = fc.oneof(
  text.map((value) => `'${value.replaceAll("'", "\\'")}'`),
  scalar.map((value) => `\`${JSON.stringify(value ?? null).replaceAll("`", "\\`")}\``),
  fc.constantFrom("`[]`", "`{}`", "`[1,[2]]`", '`{"a":{"b":[1]}}`'),
);

/** An expression of the grammar; most parse. */
export const expression: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("a", "b", '"a"', "@", "*", "hy-phen", "request.object", '"__proto__"', "constructor"),
    literal,
    fc
      .tuple(tie("node"), fc.constantFrom("a", "*", "b.a", "constructor"))
      .map(([left, name]) => `${left}.${name}`),
    fc
      .tuple(tie("node"), fc.constantFrom("[0]", "[-1]", "[]", "[*]", "[1:]", "[::-1]", "[?a]", "[?@ == a]"))
      .map(([left, bracket]) => `${left}${bracket}`),
    fc
      .tuple(
        tie("node"),
        fc.constantFrom("||", "&&", "|", "==", "!=", "<", ">=", "+", " - ", "*", " / ", "%"),
        tie("node"),
      )
      .map(([left, operator, right]) => `${left} ${operator} ${right}`),
    fc
      .tuple(fc.constantFrom("!", "&", "("), tie("node"))
      .map(([sign, node]) => sign + node + (sign === "(" ? ")" : "")),
    fc.tuple(tie("node"), tie("node")).map(([first, second]) => `{a: ${first}, b: ${second}}`),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc
      .tuple(fc.constantFrom(...kyvernoFunctions.keys()), fc.array(tie("node"), { maxLength: 4 }))
      .map(([name, args]) => `${name}(${args.join(", ")})`),
  ),
})).node;

/** An expression with something wrong: characters swapped in, cut off, or pure noise. */
export const broken: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      expression,
      fc.nat(),
      fc.constantFrom("'", '"', "`", "[", "]", "(", "{", "|", "&", "\\", "-", "$", "é", "\u0080"),
    )
    .map(
      ([source, at, char]) =>
        source.slice(0, at % (source.length + 1)) + char + source.slice(at % (source.length + 1)),
    ),
  fc.tuple(expression, fc.nat()).map(([source, at]) => source.slice(0, at % (source.length + 1))),
  fc.string({ maxLength: 30, unit: "binary" }),
  fc.constantFrom("$", "$..*", "$[?(@.a)]", "$.a[(1)]", "$..__proto__", "$.constructor.constructor"),
);

/** A text with variables, nested ones, escapes and references. */
export const template: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.oneof(expression, broken).map((inner) => `{{ ${inner} }}`),
      fc.constantFrom(
        "{{ a.{{ b }} }}",
        "{{- a }}",
        "\\{{ a }}",
        "$(./../b)",
        "$(<=/a)",
        "{{ @ }}",
        "{",
        "}}",
        "x",
        " ",
      ),
      text,
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(""));

const operand = fc.oneof(template as fc.Arbitrary<Json>, json);

/** Conditions of all forms, mostly well made. */
export const conditions: fc.Arbitrary<Json> = fc.oneof(
  fc.array(blockOf(), { maxLength: 3 }) as fc.Arbitrary<Json>,
  blockOf() as fc.Arbitrary<Json>,
  fc.array(conditionOf(), { maxLength: 3 }) as fc.Arbitrary<Json>,
  json,
);

function conditionOf(): fc.Arbitrary<Json> {
  return fc.record(
    {
      key: operand,
      operator: fc.oneof(
        fc.constantFrom(...operatorNames, "greaterthan", "nope"),
        json,
      ) as fc.Arbitrary<Json>,
      value: operand,
      message: template,
    },
    { requiredKeys: ["key", "operator"] },
  ) as fc.Arbitrary<Json>;
}

function blockOf(): fc.Arbitrary<Json> {
  const list = fc.array(conditionOf(), { maxLength: 3 });
  return fc.record({ any: list, all: list }, { requiredKeys: [] }) as fc.Arbitrary<Json>;
}
