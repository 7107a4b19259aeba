import { AssertionError } from "node:assert";
import type { Verdict } from "@assay/engine";
import { expect, test } from "vitest";
import { assertAllowed, assertDenied } from "./assert.ts";

const verdict = (allowed: boolean): Verdict => ({
  resource: { kind: "Pod", name: "web" },
  allowed,
  outcome: allowed ? "pass" : "error",
  results: [
    {
      ...{ policy: "signed", rule: "key", failureAction: "Enforce", message: "`registry` answered 503" },
      ...(allowed ? { outcome: "pass", code: "ok" } : { outcome: "error", code: "unavailable" }),
    },
  ],
  patches: [],
  warnings: [],
  trace: [],
});

test("assertions for any test runner pass in silence and fail with every reason", () => {
  assertAllowed(verdict(true));
  assertDenied(verdict(false));
  assertDenied(verdict(false), { code: "unavailable", message: "503" });
  expect(() => assertAllowed(verdict(false))).toThrow(AssertionError);
  expect(() => assertAllowed(verdict(false))).toThrow(
    "error unavailable: signed/key: `registry` answered 503",
  );
  expect(() => assertDenied(verdict(true))).toThrow("expected `web` to be denied");
  expect(() => assertDenied(verdict(false), { code: "notSigned" })).toThrow("with code `notSigned`");
});

test.each<[string, unknown, string]>([
  ["a promise", Promise.resolve(verdict(true)), "this is a promise of a verdict: await it"],
  ["an evaluation", { verdict: verdict(true) }, "this is no verdict, but has one: give its `verdict`"],
  ["nothing", undefined, "this is no verdict"],
])("%s instead of a verdict is said to be that", (_, given, said) => {
  expect(() => assertAllowed(given as Verdict)).toThrow(said);
  expect(() => assertDenied(given as Verdict)).toThrow(said);
});
