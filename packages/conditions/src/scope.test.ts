import { describe, expect, test } from "vitest";
import { attestationScope } from "./attestation-scope.ts";
import { check } from "./check.ts";
import { ConditionError } from "./condition-error.ts";
import { evaluate } from "./jmespath/compile.ts";
import { createScope } from "./scope.ts";

const now = new Date("2024-06-02T10:00:00Z");

describe("resolve", () => {
  test("is asked once for a name that is not there, and not for one that is", () => {
    const asked: string[] = [];
    const scope = createScope({
      data: { known: null },
      now,
      resolve: (name) => {
        asked.push(name);
        return name === "late" ? { x: 1 } : undefined;
      },
    });
    expect(evaluate("late.x", scope)).toBe(1);
    expect(evaluate("[late.x, known]", scope)).toEqual([1, null]);
    expect(() => evaluate("never", scope)).toThrow(ConditionError);
    expect(asked).toEqual(["late", "never"]);
  });

  test.each(["late", "@.late", "@ | late", "$.late", "late[?x]", "late.*", "missing || late"])(
    "what it throws passes through %s unchanged",
    (expression) => {
      const failure = new Error("still loading");
      const scope = createScope({
        now,
        resolve: (name) => {
          if (name === "late") throw failure;
          return undefined;
        },
      });
      expect(() => evaluate(expression, scope)).toThrow(failure);
      const conditions = [{ all: [{ key: `{{ ${expression} }}`, operator: "Equals", value: "x" }] }];
      expect(() => check(conditions, scope, { kind: "preconditions" })).toThrow(failure);
    },
  );
});

describe("a child scope", () => {
  test("adds names and never replaces one, not even one that is null or that is loaded", () => {
    const parent = createScope({
      data: { request: null },
      now,
      resolve: (name) => (name === "images" ? "loaded" : undefined),
    });
    const child = parent.child({ data: { request: "forged", images: "forged", own: 1 } });
    expect(evaluate("[request, images, own]", child)).toEqual([null, "loaded", 1]);
    expect(evaluate("@.own", child)).toBe(1);
    expect(evaluate("request", parent)).toBeNull();
    expect(() => evaluate("own", parent)).toThrow(ConditionError);
  });

  test.each([
    "@.images",
    "@ | images",
    "[@][0].images",
    "merge(@, `{}`).images",
    "values({a: [@][0].images})[0]",
  ])("does not replace a name that is still to be loaded by way of %s", (expression) => {
    const parent = createScope({
      now,
      resolve: (name) => (name === "images" ? "loaded" : undefined),
    });
    const child = attestationScope(parent.child({ data: {} }), {
      predicate: { images: "forged" },
      predicateType: "t",
      subject: [],
      name: "attestation",
    });
    expect(evaluate(expression, child)).toBe("loaded");
  });

  test("has its names in `@`, with the parent's values", () => {
    const child = createScope({ data: { a: 1 }, now }).child({ data: { a: 2, b: 3 } });
    expect(evaluate("@", child)).toEqual({ a: 1, b: 3 });
  });
});

test("withRoot searches any document with the same clock", () => {
  const scope = createScope({ data: { a: 1 }, now });
  expect(evaluate("[?x].x", scope.withRoot([{ x: 1 }, {}]))).toEqual([1]);
  expect(evaluate("a", scope.withRoot("text"))).toBeNull();
  expect(evaluate("time_now()", scope.withRoot(null))).toBe("2024-06-02T10:00:00Z");
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("%s is an ordinary key", (name) => {
  const scope = createScope({ data: { a: {}, b: JSON.parse(`{"${name}": 1}`) }, now });
  expect(() => evaluate(`a."${name}"`, scope)).toThrow(`unknown key \`${name}\``);
  expect(() => evaluate(`"${name}"`, scope)).toThrow(`unknown key \`${name}\``);
  expect(evaluate(`b."${name}"`, scope)).toBe(1);
  expect(evaluate(`lookup(a, '${name}')`, scope)).toBeNull();
  expect(JSON.stringify(evaluate(`{"${name}": b."${name}"}`, scope))).toBe(`{"${name}":1}`);
  expect(JSON.stringify(evaluate(`object_from_lists(['${name}'], [b])`, scope))).toContain(`{"${name}":`);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

describe("the scope of an attestation", () => {
  const parent = createScope({ data: { request: { operation: "CREATE" }, allowed: ["good"] }, now });
  const statement = {
    predicate: {
      buildType: "bt",
      allowed: ["*"],
      request: "forged",
      attestation: { predicate: { buildType: "evil" } },
    },
    predicateType: "https://slsa.dev/provenance/v0.2",
    subject: [{ name: "x" }],
    signer: { issuer: "https://issuer" },
  };

  test("has the predicate's keys at the root, but never over another name", () => {
    const scope = attestationScope(parent, statement);
    expect(evaluate("[buildType, allowed[0], request.operation]", scope)).toEqual(["bt", "good", "CREATE"]);
  });

  test("has the statement under attestation, whatever the predicate calls its own keys", () => {
    const scope = attestationScope(parent, statement);
    const asked =
      "[attestation.predicate.buildType, attestation.predicateType, attestation.signer.issuer, attestation.subject[0].name]";
    expect(evaluate(asked, scope)).toEqual(["bt", statement.predicateType, "https://issuer", "x"]);
  });

  test("has the predicate under the entry's name, which turns the alias off when it is attestation", () => {
    expect(evaluate("slsa.buildType", attestationScope(parent, { ...statement, name: "slsa" }))).toBe("bt");
    const named = attestationScope(parent, { ...statement, name: "attestation" });
    expect(evaluate("attestation.buildType", named)).toBe("bt");
  });

  test("looks into the Data of cosign's custom predicate, below the alias only", () => {
    const predicate = { Data: '{"buildType": "inner", "Timestamp": "forged"}', Timestamp: "2024" };
    const scope = attestationScope(parent, { ...statement, predicate });
    expect(evaluate("attestation.predicate.buildType", scope)).toBe("inner");
    expect(evaluate("attestation.predicate.Timestamp", scope)).toBe("2024");
    expect(evaluate("parse_json(Data).buildType", scope)).toBe("inner");
    expect(() => evaluate("buildType", scope)).toThrow("unknown key");
  });

  test.each(["text", "[1]", "{broken", ""])("leaves Data that is no object alone: %s", (text) => {
    const scope = attestationScope(parent, { ...statement, predicate: { Data: text } });
    expect(evaluate("attestation.predicate", scope)).toEqual({ Data: text });
  });

  test.each([["text"], [null], [[1]]])("needs a predicate that is an object, not %j", (predicate) => {
    expect(() => attestationScope(parent, { ...statement, predicate })).toThrow("no object");
  });
});
