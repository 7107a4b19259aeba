import { describe, expect, test } from "vitest";
import { check, rememberingCheck } from "./check.ts";
import { compileConditions } from "./compile-conditions.ts";
import { explainCondition } from "./explain.ts";
import type { Json } from "./json.ts";
import { createScope } from "./scope.ts";

const now = new Date("2024-06-02T10:00:00Z");
const scope = createScope({
  data: { id: "https://x/slsa3.yml@refs/tags/v1.9.0", n: 5, tags: ["a", "b"], evil: "a\u001b[31m\nb" },
  now,
});
const yes = (message?: string): Json => ({
  key: 1,
  operator: "Equals",
  value: 1,
  ...(message && { message }),
});
const no = (message?: string): Json => ({
  key: 1,
  operator: "Equals",
  value: 2,
  ...(message && { message }),
});
const unknown = { key: "{{ nope }}", operator: "Equals", value: 1 };

describe("any and all", () => {
  test.each<[string, Json, "true" | "false" | "error", string]>([
    ["both must hold", { any: [yes("a")], all: [no("b")] }, "false", "b"],
    ["any stops at the first that is true", { any: [no("a"), yes("b"), unknown] }, "true", "b"],
    ["all stops at the first that is false", { all: [yes("a"), no("b"), unknown] }, "false", "b"],
    ["an error before that is an error", { any: [unknown, yes()] }, "error", "unknown key `nope`"],
    ["messages of one block are joined", { all: [yes("a"), yes("b")] }, "true", "a; b"],
    ["messages of blocks are joined", [{ all: [yes("a")] }, { any: [yes("b")] }], "true", "a;b"],
    [
      "a failing block speaks alone",
      [{ all: [yes("a")] }, { all: [no("b")] }, { all: [no("c")] }],
      "false",
      "b",
    ],
    ["nothing to check holds", [], "true", ""],
    ["null holds", null, "true", ""],
    ["an empty block holds", [{}], "true", ""],
    ["an empty any does not", { any: [] }, "false", ""],
    ["an empty all holds", { all: [] }, "true", ""],
    ["the old list: all must hold", [yes("a"), yes("b")], "true", "a;b"],
    ["the old list: the first that fails speaks", [yes("a"), no("b"), unknown], "false", "b"],
  ])("%s", (_name, conditions, outcome, message) => {
    const result = check(conditions, scope, { kind: "preconditions" });
    expect({ outcome: result.outcome, message: result.message }).toEqual({ outcome, message });
    expect(result.holds).toBe(outcome === "true");
  });

  test.each<[string, Json]>([
    ["a field that does not exist", [{ anny: [no()] }]],
    ["a condition's field that does not exist", [{ all: [{ ...(yes() as object), operater: "x" }] }]],
    ["a text", "any"],
    ["any that is no list", { any: yes() }],
    ["a condition that is no object", { all: ["x"] }],
  ])("%s is malformed, never ignored", (_name, conditions) => {
    const result = check(conditions, scope, { kind: "preconditions" });
    expect(result).toMatchObject({ holds: false, outcome: "error", error: { code: "malformed" } });
  });
});

describe("attestation conditions", () => {
  test("an unknown variable fails the whole, also where it would never be reached", () => {
    for (const conditions of [
      { any: [yes(), unknown] },
      { all: [no(), unknown] },
      { all: [{ ...(yes() as object), message: "{{ nope }}" }] },
    ]) {
      expect(check([conditions], scope, { kind: "attestation" }).error?.code).toBe("unknownKey");
    }
  });

  test("an empty any holds, as in Kyverno", () => {
    expect(check([{ any: [] }], scope, { kind: "attestation" }).holds).toBe(true);
  });

  test("messages are substituted", () => {
    const conditions = [{ all: [{ ...(yes() as object), message: "n is {{ n }}" }] }];
    expect(check(conditions, scope, { kind: "attestation" }).message).toBe("n is 5");
    expect(check(conditions, scope, { kind: "preconditions" }).message).toBe("n is {{ n }}");
  });
});

describe("the trace", () => {
  const condition = {
    key: "{{ id }}",
    operator: "Equals",
    value: "https://x/slsa3.yml",
    message: "wrong builder",
  };

  test("has one entry for each condition, with what it came to and where it stands", () => {
    const source = new Map([["[0].all[1]", { file: "p.yaml", line: 7, column: 3 }]]);
    const conditions = [{ any: [yes()], all: [yes(), condition, unknown] }];
    const { conditions: traces } = check(conditions, scope, { kind: "preconditions", source });
    expect(traces.map(({ path, outcome }) => [path, outcome])).toEqual([
      ["[0].any[0]", "true"],
      ["[0].all[0]", "true"],
      ["[0].all[1]", "false"],
      ["[0].all[2]", "notReached"],
    ]);
    expect(traces[2]).toMatchObject({
      source: { file: "p.yaml", line: 7, column: 3 },
      operator: "Equals",
      keyText: "{{ id }}",
      key: "https://x/slsa3.yml@refs/tags/v1.9.0",
      value: "https://x/slsa3.yml",
      message: "wrong builder",
      nearest: "both start with `https://x/slsa3.yml`, then the key goes on with `@refs/tags/v1.9.0`",
    });
  });

  test.each<[Json, string]>([
    [
      condition,
      '{{ id }} = "https://x/slsa3.yml@refs/tags/v1.9.0" Equals "https://x/slsa3.yml" → false: both start with `https://x/slsa3.yml`, then the key goes on with `@refs/tags/v1.9.0`',
    ],
    [
      { key: "{{ id }}", operator: "Equals", value: "https://x/*.yaml@*" },
      '{{ id }} = "https://x/slsa3.yml@refs/tags/v1.9.0" Equals "https://x/*.yaml@*" → false: it matches up to `https://x/*.y`, but not `aml@*`',
    ],
    [
      { key: "sls", operator: "AnyIn", value: ["slsa", "vuln"] },
      '"sls" AnyIn ["slsa","vuln"] → false: the nearest element is `slsa`',
    ],
    [{ key: "{{ n }}", operator: "GreaterThan", value: 3 }, "{{ n }} = 5 GreaterThan 3 → true"],
    [{ key: "{{ nope }}", operator: "Equals", value: 1 }, "{{ nope }} Equals 1 → error: unknown key `nope`"],
    [
      { key: "{{ evil }}", operator: "Equals", value: "a" },
      '{{ evil }} = "a\\u001b[31m\\nb" Equals "a" → false: both start with `a`, then the key goes on with `\\u001b[31m\\u000ab`',
    ],
  ])("explain %j", (written, line) => {
    const [trace] = check([{ all: [written] }], scope, { kind: "preconditions" }).conditions;
    expect(trace && explainCondition(trace)).toBe(line);
  });

  test("says where an error happened", () => {
    const result = check([{ all: [yes(), unknown] }], scope, { kind: "attestation" });
    expect(result.error).toMatchObject({ code: "unknownKey", path: "/0/all/1/key", expression: "nope" });
    expect(result.conditions.map(({ outcome }) => outcome)).toEqual(["notReached", "error"]);
  });

  test("bears large values", () => {
    const large = createScope({
      data: { l: Array.from({ length: 10_000 }, (_, at) => at), s: "x".repeat(10_000) },
      now,
    });
    const conditions = [{ all: [{ key: "{{ l }}", operator: "Equals", value: "{{ s }}" }] }];
    const [trace] = check(conditions, large, { kind: "preconditions" }).conditions;
    expect(JSON.stringify(trace).length).toBeLessThan(5_000);
  });
});

test("compiled conditions serve many scopes, and DELETE requests too", () => {
  const written = [{ all: [{ key: "{{ request.object.n }}", operator: "Equals", value: 1 }] }];
  const at = (request: Json): boolean =>
    check(written, createScope({ data: { request }, now }), { kind: "preconditions" }).holds;
  expect(at({ object: { n: 1 } })).toBe(true);
  expect(at({ operation: "DELETE", object: { n: 2 }, oldObject: { n: 1 } })).toBe(true);
  const compiled = compileConditions([{ all: [{ key: "{{ n }}", operator: "Equals", value: 5 }] }], {
    kind: "preconditions",
  });
  expect(check(compiled, scope, { kind: "preconditions" }).holds).toBe(true);
  expect(check(compiled, createScope({ data: { n: 6 }, now }), { kind: "preconditions" }).holds).toBe(false);
});

describe("a check that remembers what it parsed", () => {
  const remembering = rememberingCheck();
  const written = [{ all: [{ key: "{{ request.object.n || 'none' }}", operator: "Equals", value: 1 }] }];
  const requests: readonly Json[] = [
    { object: { n: 1 } },
    { object: { n: 2 } },
    { operation: "DELETE", object: { n: 2 }, oldObject: { n: 1 } },
    {},
    { object: { n: 1 } },
  ];

  test.each(["preconditions", "attestation"] as const)("says what `check` says, also of %s", (kind) => {
    for (const request of requests) {
      for (const limits of [{}, { steps: 3 }]) {
        const one = createScope({ data: { request }, now, limits });
        expect(remembering(written, one, { kind })).toEqual(check(written, one, { kind }));
      }
    }
  });

  test("parses once", () => {
    let reads = 0;
    const counted = [
      {
        get all() {
          reads++;
          return [yes()];
        },
      },
    ];
    for (const _ of [1, 2, 3])
      expect(remembering(counted, scope, { kind: "preconditions" }).holds).toBe(true);
    const once = reads;
    check(counted, scope, { kind: "preconditions" });
    expect(reads - once).toBe(once);
  });

  test.each<[string, Json]>([
    ["malformed ones", [{ anny: [no()] }]],
    ["a text", "any"],
    ["null", null],
  ])("%s are what they are, each time", (_name, conditions) => {
    for (const _ of [1, 2]) {
      const options = { kind: "preconditions" } as const;
      expect(remembering(conditions, scope, options)).toEqual(check(conditions, scope, options));
    }
  });
});
