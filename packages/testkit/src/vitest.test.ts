import type { Verdict } from "@assay/engine";
import { expect, test } from "vitest";
import { stableExplain } from "./stable-explain.ts";
import { verdictSerializer } from "./verdict-serializer.ts";
import "./vitest.ts";

const verdict = (allowed: boolean): Verdict => ({
  resource: { kind: "Pod", name: "web" },
  allowed,
  outcome: allowed ? "pass" : "fail",
  results: [
    {
      ...{ policy: "signed", rule: "key", image: "a/b:1", failureAction: "Enforce" },
      ...(allowed
        ? { outcome: "pass", code: "ok", message: "verified" }
        : { outcome: "fail", code: "notSigned", message: "no signatures found" }),
    },
  ],
  patches: [],
  warnings: [],
  trace: [],
});

test("toBeAllowed and toBeDenied say what a verdict is and why", () => {
  expect(verdict(true)).toBeAllowed();
  expect(verdict(false)).not.toBeAllowed();
  expect(verdict(false)).toBeDenied();
  expect(verdict(false)).toBeDenied({ code: "notSigned" });
  expect(verdict(false)).toBeDenied({ code: "notSigned", message: /^no signatures/ });
  expect(verdict(true)).not.toBeDenied();
  expect(() => expect(verdict(false)).toBeAllowed()).toThrow(
    "fail notSigned: signed/key a/b:1: no signatures found",
  );
});

test("a denial for another reason is not the one that was asked for", () => {
  expect(verdict(false)).not.toBeDenied({ code: "untrustedSigner" });
  expect(verdict(false)).not.toBeDenied({ message: "expired" });
  expect(() => expect(verdict(false)).toBeDenied({ code: "untrustedSigner" })).toThrow(
    "with code `untrustedSigner`",
  );
});

test("a verdict in a snapshot is its explanation, without what differs from run to run", () => {
  const named = (digest: string, port: number): Verdict => {
    const denied = verdict(false);
    const results = denied.results.map((result) => ({
      ...result,
      image: `127.0.0.1:${port}/a/b@sha256:${digest.repeat(64)}`,
      message: `sha256:${digest.repeat(64)} is not signed`,
    }));
    return { ...denied, results };
  };
  expect(stableExplain(named("a", 40001))).toBe(stableExplain(named("b", 5)));
  expect(stableExplain(named("a", 40001))).toContain("<host 1>/a/b@<digest 1>");
  expect(verdictSerializer.test(verdict(false))).toBe(true);
  expect(verdictSerializer.serialize(verdict(false))).toContain("no signatures found");
  for (const other of [null, "text", {}, [], { allowed: true }])
    expect(verdictSerializer.test(other)).toBe(false);
});

const given = verdict(false);
test.each<[string, unknown]>([
  ["nothing", undefined],
  ["a promise", Promise.resolve(given)],
  ["a Map", new Map(Object.entries(given))],
  ["a list", [given]],
  ["a verdict as JSON", JSON.stringify(given)],
  ["a decision that is text", { ...given, allowed: "false" }],
  ["a decision that is awaited", { ...given, allowed: Promise.resolve(false) }],
  ["a verdict without results", { ...given, results: undefined }],
])("no matcher passes on %s, nor does its contrary", (_, received) => {
  for (const expects of [expect(received), expect(received).not]) {
    expect(() => expects.toBeAllowed()).toThrow(/^this is /);
    expect(() => expects.toBeDenied()).toThrow(/^this is /);
  }
});

test.each<[string, unknown]>([
  ["a code that got lost", { code: undefined }],
  ["an empty code", { code: "" }],
  ["a code that is none", { code: null }],
  ["a pattern for a code", { code: /./ }],
  ["a message that got lost", { code: "notSigned", message: undefined }],
  ["an empty message", { message: "" }],
  ["a function", { message: () => "" }],
  ["a code alone", "notSigned"],
  ["an empty text", ""],
  ["null", null],
  ["a list", [{ code: "notSigned" }]],
  ["a Map", new Map([["code", "notSigned"]])],
  ["a promise", Promise.resolve({ code: "notSigned" })],
])("an expectation that lost what it says is no expectation of any denial: %s", (_, expected) => {
  for (const expects of [expect(given), expect(given).not])
    expect(() => expects.toBeDenied(expected as never)).toThrow(/expect/);
});

test("a global pattern finds the same each time", () => {
  const message = /signatures/g;
  for (let i = 0; i < 3; i++) expect(given).toBeDenied({ message });
});
