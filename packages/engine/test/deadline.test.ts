import { describe, expect, test } from "vitest";
import type { EvidenceSource, Sources } from "../src/gather/lookup.ts";
import { engineFor, image, pod, policy } from "./build.ts";

/** A registry that never answers, and does not heed the signal either. */
const silent: Sources = { evidence: { fetch: () => new Promise<never>(() => {}) } };

/** A registry that ends with its own words when the signal is aborted. */
const heeding: Sources = {
  evidence: {
    fetch: (_lookup, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () =>
          resolve({ ok: false, failure: { code: "timeout", message: "aborted", origin: "registry" } }),
        );
      }),
  } satisfies EvidenceSource,
};

const request = { resource: pod(image("key-ecdsa")) };

describe("an evaluation ends at its deadline", () => {
  test.each([-1, 0])("%d milliseconds are over at once", async (timeoutMilliseconds) => {
    const { verdict } = await engineFor(policy(), { sources: silent }).evaluate(request, {
      timeoutMilliseconds,
    });
    expect(verdict.results[0]?.message).toContain("no answer within 0 s");
  });

  test.each([Number.POSITIVE_INFINITY, 2 ** 31])("%d milliseconds are not over at once", async (long) => {
    const { verdict } = await engineFor(policy()).evaluate(request, { timeoutMilliseconds: long });
    expect(verdict).toMatchObject({ allowed: true });
  });

  test("a timeout that is no number is refused", async () => {
    const attempt = engineFor(policy()).evaluate(request, { timeoutMilliseconds: Number.NaN });
    await expect(attempt).rejects.toMatchObject({ code: "misuse" });
  });

  test.each([
    ["that does not heed the signal", silent],
    ["that does", heeding],
  ])("with a source %s: in the words that people look for", async (_name, sources) => {
    const { verdict } = await engineFor(policy(), { sources }).evaluate(request, { timeoutMilliseconds: 5 });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "timeout" }] });
    expect(verdict.results[0]?.message).toContain("webhookTimeoutSeconds exceeded");
  });

  test("which is the smallest webhookTimeoutSeconds of the policies that apply", async () => {
    const documents = [30, 1, 20].map((webhookTimeoutSeconds, index) =>
      policy({ name: `p${index}`, spec: { webhookTimeoutSeconds } }),
    );
    const { verdict } = await engineFor(documents, { sources: silent }).evaluate(request);
    expect(verdict.results[0]?.message).toContain("no answer within 1 s (policy `p1`, policy-1.json:1:1)");
  });

  test("or a timeout signal of the caller's", async () => {
    const signal = AbortSignal.timeout(5);
    const { verdict } = await engineFor(policy(), { sources: silent }).evaluate(request, { signal });
    expect(verdict.results[0]?.code).toBe("timeout");
  });

  test("failurePolicy Ignore admits what is not `required` with a warning then", async () => {
    const entry = { required: false, verifyDigest: false };
    const engine = engineFor(policy({ spec: { failurePolicy: "Ignore" }, entry }), { sources: silent });
    const { verdict } = await engine.evaluate(request, { timeoutMilliseconds: 5 });
    expect(verdict).toMatchObject({ allowed: true, outcome: "error" });
    expect(verdict.warnings[0]).toContain("webhookTimeoutSeconds exceeded");
  });

  test("a caller who aborts hears the reason instead of a verdict", async () => {
    const controller = new AbortController();
    const evaluation = engineFor(policy(), { sources: silent }).evaluate(request, {
      signal: controller.signal,
    });
    controller.abort(new Error("not interested any more"));
    await expect(evaluation).rejects.toThrow("not interested any more");
  });

  test("more lookups than the limit are refused, not made", async () => {
    const engine = engineFor(policy(), { sources: silent, limits: { maxLookups: 0 } });
    const { verdict } = await engine.evaluate(request);
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "tooMany" }] });
  });
});

test("what took long before anybody is asked gives others their turn first", async () => {
  const order: string[] = [];
  const sources: Sources = {
    evidence: {
      fetch: async () => {
        order.push("asked");
        return { ok: false, failure: { code: "notFound", message: "none", origin: "registry" } };
      },
    },
  };
  const engine = engineFor(policy(), {
    sources,
    clock: () => {
      // As long as a process takes to compile what it has never run.
      for (const end = performance.now() + 10; performance.now() < end; );
      return new Date("2026-11-23T18:00:00Z");
    },
  });
  setTimeout(() => order.push("somebody else"), 1);
  await engine.evaluate(request);
  expect(order.slice(0, 2)).toEqual(["somebody else", "asked"]);
});
