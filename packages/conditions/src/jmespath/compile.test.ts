import { describe, expect, test } from "vitest";
import { ConditionError, type ConditionErrorCode } from "../condition-error.ts";
import { createScope } from "../scope.ts";
import { compile, evaluate } from "./compile.ts";

const now = new Date("2024-06-02T10:00:00.250Z");
const data = {
  request: { object: { metadata: { name: "web", labels: { "app.kubernetes.io/name": "web" } } } },
  configmap: { kyverno: { data: { "cosign-pub": "PEM" } } },
  list: [{ name: "a", size: 2 }, { name: "b" }],
  n: 5,
  nothing: null,
};
const scope = createScope({ data, now });

function errorOf(run: () => unknown): ConditionError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConditionError) return error;
  }
  throw new Error("no ConditionError came");
}

describe("a key that is missing", () => {
  test("is an error that names the available keys and the nearest one", () => {
    const error = errorOf(() => evaluate("request.object.metadata.nmae", scope));
    expect(error).toMatchObject({
      code: "unknownKey",
      key: "nmae",
      availableKeys: ["labels", "name"],
      nearest: "name",
      expression: "request.object.metadata.nmae",
      offset: 24,
    });
    expect(error.message).toBe("unknown key `nmae`, did you mean `name`?");
  });

  test("lists root names for a root name", () => {
    const error = errorOf(() => evaluate("reqest.object", scope));
    expect(error).toMatchObject({ code: "unknownKey", nearest: "request", offset: 0 });
    expect(error.availableKeys).toEqual(["configmap", "list", "n", "nothing", "request"]);
  });

  // go-jmespath's interpreter: which steps turn "unknown key" into null.
  test.each([
    ["missing || 'd'", "d"],
    ["missing | @", null],
    ["missing[]", null],
    ["missing[?x]", null],
    ["missing[*].x", null],
    ["list[*].size", [2]],
    ["!missing", true],
    ["missing == `null`", true],
    ["[missing]", [null]],
    ["{a: missing}", { a: null }],
    ["not_null(missing, 'd')", "d"],
    ["nothing.missing", null],
    ["n.missing", null],
    ["list[7].missing", null],
  ])("%s is %j", (expression, expected) => {
    expect(evaluate(expression, scope)).toEqual(expected);
  });

  test.each(["missing", "missing[0]", "request.missing.more", "n && missing"])(
    "%s is an error",
    (expression) => {
      expect(errorOf(() => evaluate(expression, scope)).code).toBe("unknownKey");
    },
  );

  test("is null in standard mode", () => {
    expect(evaluate(compile("request.missing.more", { mode: "standard" }), scope)).toBeNull();
  });
});

describe("errors have a code and a place", () => {
  test.each<[string, ConditionErrorCode, number | undefined]>([
    ["a b", "syntax", 2],
    ["'open", "syntax", 5],
    ["a..b", "syntax", 2],
    ["foo(", "syntax", 4],
    ["", "emptyExpression", undefined],
    ["  ", "emptyExpression", undefined],
    ["n | nope(@)", "unknownFunction", 4],
    ["length(n)", "wrongType", 0],
    ["list[0] | length(@, @)", "wrongArity", 10],
    ["divide(n, `0`)", "badArgument", 0],
    ["regex_match('(', 'a')", "badRegexp", 0],
    ["base64_decode('?')", "badBase64", 0],
    ["time_utc('noon')", "badTime", 0],
    ["time_add('2024-01-01T00:00:00Z', '1d')", "badDuration", 0],
    ["image_normalize('A B')", "badImage", 0],
    ["parse_json('{')", "badText", 0],
    ["parse_json('x')", "badJson", 0],
    ["semver_compare('1.0.0', '^1')", "badText", 0],
    ["is_external_url('https://example.com')", "unsupported", 0],
  ])("%s is %s at %j", (expression, code, offset) => {
    const error = errorOf(() => evaluate(expression, scope));
    expect({ code: error.code, offset: error.offset }).toEqual({ code, offset });
  });

  test("an unknown function names the nearest one", () => {
    expect(errorOf(() => evaluate("to_uper('a')", scope)).nearest).toBe("to_upper");
  });
});

describe("extensions", () => {
  test.each<[string, unknown, readonly string[]]>([
    ["configmap.kyverno.data.cosign-pub", "PEM", ["hyphenIdentifier"]],
    ["time_now_utc() - '24h'", "2024-06-01T10:00:00Z", ["arithmetic"]],
    ["time_now_utc()-'24h'", "2024-06-01T10:00:00Z", ["arithmetic"]],
    ["'24h' + time_now_utc()", "2024-06-03T10:00:00Z", ["arithmetic"]],
    ["'2024-06-01T10:00:00.5+02:00' - '1h'", "2024-06-01T09:00:00.5+02:00", ["arithmetic"]],
    ["'2024-06-02T00:00:00Z' - '2024-06-01T00:00:00Z'", "24h0m0s", ["arithmetic"]],
    ["n + 1", 6, ["arithmetic"]],
    ["n -1", 4, ["arithmetic"]],
    ["1.5 + n * 2", 11.5, ["arithmetic"]],
    ["n - 1 - 1", 3, ["arithmetic"]],
    ["'1Gi' * 2", "2Gi", ["arithmetic"]],
    ["'1h' / 2", "30m0s", ["arithmetic"]],
    ["n % 3 == `2`", true, ["arithmetic"]],
    ["$.list[*].name", ["a", "b"], ["jsonPath"]],
  ])("%s is %j", (expression, expected, extensions) => {
    expect(evaluate(expression, scope)).toEqual(expected);
    expect(compile(expression).extensions).toEqual(extensions);
  });

  test.each(["configmap.kyverno.data.cosign-pub", "time_now_utc() - '24h'", "n + 1", "$.list"])(
    "%s is refused in Kyverno's dialect",
    (expression) => {
      const strict = createScope({ data, now, dialect: "kyverno" });
      expect(errorOf(() => evaluate(expression, strict)).code).toBe("syntax");
    },
  );

  test("a label's key with a slash is an error, not a division", () => {
    const error = errorOf(() => evaluate("request.object.metadata.labels.app.kubernetes.io/name", scope));
    expect(error.code).toBe("syntax");
  });

  test.each(["n * * ", "n + ", "1", "[1, 2]", "length(5)", "- n"])(
    "%s is still a syntax error",
    (expression) => {
      expect(errorOf(() => evaluate(expression, scope)).code).toBe("syntax");
    },
  );

  test("the alias of attestations is told", () => {
    expect(compile("attestation.predicate.buildType").extensions).toEqual(["attestationPath"]);
    expect(compile("my.attestation.predicate").extensions).toEqual([]);
  });
});

describe("JSONPath", () => {
  test.each(["$.list[?(@.name == 'a')]", "$.list[(@.length-1)]", "$[?(@.constructor)]"])(
    "%s is refused: nothing is evaluated",
    (expression) => {
      expect(errorOf(() => evaluate(expression, scope)).code).toBe("syntax");
    },
  );

  test("finds own properties only", () => {
    expect(evaluate("$.constructor", scope)).toEqual([]);
    expect(evaluate("$..__proto__", scope)).toEqual([]);
  });
});

describe("roots", () => {
  test.each<[string, readonly string[] | undefined]>([
    ["request.object.spec.containers[?name == image].name | [0]", ["request"]],
    ["a || b.c && !d", ["a", "b", "d"]],
    ["join(',', images.containers.*.tag)", ["images"]],
    ["map(&inner, list)", ["list"]],
    ["{x: a, y: [b]}", ["a", "b"]],
    ["$.materials[*].uri", ["materials"]],
    ["$..uri", undefined],
    ["keys(@)", undefined],
    ["@.a", ["a"]],
    ["'text'", []],
  ])("%s reads %j", (expression, roots) => {
    expect(compile(expression).roots).toEqual(roots);
  });
});

test("the clock is the scope's", () => {
  expect(evaluate("time_now()", scope)).toBe("2024-06-02T10:00:00Z");
});

test("a compiled expression serves any scope", () => {
  const compiled = compile("a.b");
  expect(evaluate(compiled, createScope({ data: { a: { b: 1 } }, now }))).toBe(1);
  expect(evaluate(compiled, createScope({ data: { a: { b: 2 } }, now }))).toBe(2);
});
