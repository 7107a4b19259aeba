import { describe, expect, test } from "vitest";
import type { LookupFailure } from "../src/gather/lookup.ts";
import { explain } from "../src/verdict/explain.ts";
import { engineFor, entry, image, pinned, pod, policy } from "./build.ts";
import { failure, fixtureSources } from "./fixture-source.ts";

const origin = "127.0.0.1:5001";
const failures = {
  "no connection": { code: "unavailable", message: "connection refused", origin },
  "a request that timed out": { code: "timeout", message: "no answer", origin },
  "401": { code: "unauthorized", status: 401, message: "unauthorized", origin },
  "403": { code: "unauthorized", status: 403, message: "forbidden", origin },
  "429": { code: "rateLimited", status: 429, message: "too many requests", origin },
  "503": { code: "unavailable", status: 503, message: "service unavailable", origin },
  "bytes of another digest": { code: "digestMismatch", message: "not the digest", origin },
} as const satisfies Record<string, LookupFailure>;

// Kyverno blocks on every error under Fail, even under Audit (pkg/utils/engine/response.go:20). Under Ignore it admits
// network errors only; refusals by HTTP are failures there, which block where they are enforced.
describe("an error is allowed only where Kyverno allows it", () => {
  const table = (Object.keys(failures) as (keyof typeof failures)[]).flatMap((name) =>
    (["Enforce", "Audit"] as const).flatMap((action) =>
      (["Fail", "Ignore"] as const).map((failurePolicy) => {
        const network = name === "no connection" || name === "a request that timed out";
        const allowed = failurePolicy === "Ignore" && (network || action === "Audit");
        return [name, action, failurePolicy, allowed] as const;
      }),
    ),
  );
  test.each(table)("%s, %s, failurePolicy %s: allowed %s", async (name, action, failurePolicy, allowed) => {
    const sources = fixtureSources({ answer: () => failure(failures[name]) });
    const spec = { validationFailureAction: action, failurePolicy };
    const entry = { mutateDigest: false, verifyDigest: false, required: false };
    const document = policy({ spec, entry });
    const { verdict } = await engineFor(document, { sources }).evaluate({
      resource: pod(image("key-ecdsa")),
    });
    expect(verdict.outcome).toBe("error");
    expect(verdict.results[0]?.code).toBe(failures[name].code);
    expect(verdict.allowed).toBe(allowed);
    expect(verdict.warnings.length).toBe(allowed ? 1 : 0);
  });

  // Kyverno takes what of attestations cannot be had for a failure.
  const slsa = [{ type: "https://slsa.dev/provenance/v0.2", attestors: entry()["attestors"] ?? [] }];
  test.each([
    ["by digest", {}, pinned, true],
    ["by tag", {}, image, true],
    ["whose attestations alone count", { attestors: [], attestations: slsa }, pinned, false],
    ["whose attestations count as well", { attestations: slsa }, pinned, true],
  ] as const)("`Ignore`, and an image %s, while nobody can be reached", async (_, entry, named, allowed) => {
    const sources = fixtureSources({ answer: () => failure(failures["no connection"]) });
    const engine = engineFor(policy({ spec: { failurePolicy: "Ignore" }, entry }), { sources });
    for (const mutate of [true, false]) {
      const { verdict } = await engine.evaluate({ resource: pod(named("key-ecdsa")), mutate });
      expect(verdict).toMatchObject({ allowed, outcome: "error", results: [{ code: "unavailable" }] });
    }
  });

  test("evidence that could not be read is an error, never `not signed`", async () => {
    const sources = fixtureSources({
      answer: (lookup) => (lookup.kind === "signatureTag" ? failure(failures["401"]) : undefined),
    });
    const { verdict } = await engineFor(policy(), { sources }).evaluate({
      resource: pod(pinned("key-ecdsa", "referrers")),
    });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "unauthorized" }] });
  });

  test("one signature suffices though another shelf could not be read", async () => {
    const sources = fixtureSources({
      answer: (lookup) => (lookup.kind === "referrers" ? failure(failures["503"]) : undefined),
    });
    const { verdict } = await engineFor(policy(), { sources }).evaluate({
      resource: pod(pinned("key-ecdsa")),
    });
    expect(verdict).toMatchObject({ allowed: true, outcome: "pass" });
  });

  test("all attestations hold cannot be said where a shelf could not be read", async () => {
    const sources = fixtureSources({
      answer: (lookup) => (lookup.kind === "referrers" ? failure(failures["503"]) : undefined),
    });
    const attestations = [{ type: "https://slsa.dev/provenance/v0.2" }];
    const { verdict } = await engineFor(policy({ entry: { attestations } }), { sources }).evaluate({
      resource: pod(pinned("key-att3")),
    });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "unavailable" }] });
  });

  test("a source that throws is an error that `Ignore` does not admit", async () => {
    const sources = fixtureSources({
      answer: () => {
        throw new TypeError("boom");
      },
    });
    const { verdict } = await engineFor(policy({ spec: { failurePolicy: "Ignore" } }), { sources }).evaluate({
      resource: pod(image("key-ecdsa")),
    });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
    expect(verdict.results[0]?.message).toContain("boom");
  });

  test("what fails for certain is not let through with an error of the same rule", async () => {
    const attestations = [{ type: "https://example.com/none" }];
    const document = policy({ spec: { failurePolicy: "Ignore" }, entry: { attestations } });
    const sources = fixtureSources({
      answer: (lookup) => (lookup.kind === "signatureTag" ? failure(failures["no connection"]) : undefined),
    });
    const { verdict } = await engineFor(document, { sources }).evaluate({
      resource: pod(pinned("key-att3", "referrers")),
    });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
  });
});

// Kyverno has a response for each, and blocks by the error's.
test.each(["Audit", "Enforce"])(
  "beside a fail an error says nothing of the same image: %s",
  async (action) => {
    const sources = fixtureSources({
      answer: (lookup) => (lookup.kind === "signatureTag" ? failure(failures["503"]) : undefined),
    });
    const spec = { validationFailureAction: action, failurePolicy: "Fail" };
    const document = policy({ spec, entry: { mutateDigest: false } });
    const { verdict } = await engineFor(document, { sources }).evaluate({
      resource: pod(image("key-ecdsa")),
    });
    expect(verdict).toMatchObject({ outcome: "fail", results: [{ code: "digestRequired" }] });
    expect(verdict.allowed).toBe(action === "Audit");
  },
);

describe("a fail means what the rule's action says", () => {
  test.each([
    ["Enforce", undefined, false],
    ["Audit", undefined, true],
    ["Audit", "Enforce", false],
    ["Enforce", "Audit", true],
  ] as const)("policy %s, entry %s: allowed %s", async (action, own, allowed) => {
    const entry = {
      mutateDigest: false,
      verifyDigest: false,
      ...(own === undefined ? {} : { failureAction: own }),
    };
    const document = policy({ spec: { validationFailureAction: action }, entry });
    const { verdict } = await engineFor(document).evaluate({ resource: pod(image("unsigned")) });
    expect(verdict).toMatchObject({ allowed, outcome: "fail", results: [{ code: "notSigned" }] });
    expect(verdict.warnings.length).toBe(allowed ? 1 : 0);
  });

  test.each([
    ["payments", false],
    ["default", true],
  ] as const)("an override for payments decides in namespace %s: allowed %s", async (namespace, allowed) => {
    const spec = {
      validationFailureAction: "Audit",
      validationFailureActionOverrides: [{ action: "Enforce", namespaces: ["pay*"] }],
    };
    const document = policy({ spec, entry: { mutateDigest: false, verifyDigest: false } });
    const resource = pod(image("unsigned"), { metadata: { name: "web", namespace } });
    const { verdict } = await engineFor(document).evaluate({ resource });
    expect(verdict.allowed).toBe(allowed);
  });

  test("any policy that blocks, blocks, in either order", async () => {
    const lenient = policy({
      name: "lenient",
      spec: { validationFailureAction: "Audit" },
      entry: { mutateDigest: false, verifyDigest: false },
    });
    const strict = policy({ name: "strict" });
    for (const documents of [
      [lenient, strict],
      [strict, lenient],
    ]) {
      const { verdict } = await engineFor(documents).evaluate({ resource: pod(image("unsigned")) });
      expect(verdict.allowed).toBe(false);
      expect(verdict.results).toHaveLength(2);
    }
  });
});

describe("the trace of what could not be had", () => {
  test.each([
    ["digest", image("key-ecdsa")],
    ["signatureTag", pinned("key-ecdsa", "referrers")],
  ] as const)("says of the %s whom it asked, what came back, and what was tried", async (kind, text) => {
    const notes = ["credentials of `docker config` were refused", "no pull secret is given"];
    const answer = { ok: false, failure: failures["401"], notes } as const;
    const sources = fixtureSources({ answer: (lookup) => (lookup.kind === kind ? answer : undefined) });
    const { verdict } = await engineFor(policy(), { sources }).evaluate({ resource: pod(text) });
    const facts = { lookup: kind, origin, status: 401, notes };
    expect(JSON.stringify(verdict.trace)).toContain(JSON.stringify(facts));
    expect(explain(verdict).replaceAll(/\s+/g, " ")).toContain("`docker config` were refused");
  });
});

test("an answer that was had says, where there is something to say, which credentials or mirror it came by", async () => {
  const notes = ["credentials for `127.0.0.1:5002` from docker config"];
  const answer = { ok: true, value: { candidates: [] }, notes } as const;
  const sources = fixtureSources({
    answer: (lookup) => (lookup.kind === "referrers" ? answer : undefined),
  });
  const asked = { resource: pod(pinned("key-ecdsa", "referrers")) };
  const { verdict } = await engineFor(policy(), { sources }).evaluate(asked);
  expect(verdict.allowed).toBe(true);
  expect(JSON.stringify(verdict.trace)).toContain(JSON.stringify({ lookup: "referrers", notes }));
});

test("so does the answer that resolved a tag, once, before what was found for its digest", async () => {
  const notes = ["`127.0.0.1:5002` was asked at its mirror `127.0.0.1:5003`"];
  const sources = fixtureSources({
    edit: (lookup, answer) => (lookup.kind === "digest" ? { ...answer, notes } : answer),
  });
  const asked = { resource: pod(image("key-ecdsa", "referrers")) };
  const entries = [entry(), entry()];
  const { verdict } = await engineFor(policy({ entries }), { sources }).evaluate(asked);
  expect(verdict.allowed).toBe(true);
  const judged = verdict.trace[0]?.children[0]?.children[0]?.children ?? [];
  expect(judged.map(({ step }) => step)).toEqual(["lookup", "check", "check"]);
  expect(judged[0]).toMatchObject({ outcome: "pass", code: "ok", facts: { lookup: "digest", notes } });
});

test("a mistake of ours is an error of the image that it is about, and never opens", async () => {
  // An answer of another shape than the contract's: nothing that a registry can send, but what a bug might make of it.
  const broken = { ok: true, value: { candidates: [null], unsupported: false } };
  const sources = fixtureSources({
    answer: (lookup) => (lookup.kind === "referrers" ? (broken as never) : undefined),
  });
  const limits = { largeEvidenceBytes: Number.POSITIVE_INFINITY };
  const engine = engineFor(policy({ spec: { failurePolicy: "Ignore" } }), { sources, limits });
  const { verdict } = await engine.evaluate({ resource: pod([pinned("unsigned", "referrers")]) });
  expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "internal" }] });
  expect(verdict.results[0]?.message).toContain("internal error");
});
