import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { EvidenceSource } from "../src/gather/lookup.ts";
import { recordOf } from "../src/verdict/record.ts";
import { digestOf, engineFor, image, keys, kindsAsked, noon, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

const minute = 60_000;

describe("what once verified is not asked for again", () => {
  test("signatures of a digest: the second evaluation asks nobody, and its verdict is the same", async () => {
    const sources = fixtureSources();
    const engine = engineFor(policy(), { sources });
    const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
    const first = await engine.evaluate(request);
    const second = await engine.evaluate(request);
    expect(kindsAsked(sources)).toEqual(["signatureTag", "referrers"]);
    expect(second.stats).toMatchObject({ lookups: 0, facts: 1 });
    expect(JSON.stringify(second.verdict)).toBe(JSON.stringify(first.verdict));
  });

  test("but a tag is resolved every time, and attestations are listed every time", async () => {
    const sources = fixtureSources();
    const attestations = [{ type: "https://slsa.dev/provenance/v0.2" }];
    const engine = engineFor(policy({ entry: { attestations } }), { sources });
    const request = { resource: pod(image("key-att3", "referrers")) };
    await engine.evaluate(request);
    sources.asked.length = 0;
    const { verdict } = await engine.evaluate(request);
    expect(verdict.allowed).toBe(true);
    expect(kindsAsked(sources)).toEqual(["digest", "attestationTag", "referrers"]);
  });

  test("and a refusal is never remembered", async () => {
    const sources = fixtureSources();
    const engine = engineFor(policy(), { sources });
    const request = { resource: pod(pinned("unsigned", "referrers")) };
    await engine.evaluate(request);
    await engine.evaluate(request);
    expect(kindsAsked(sources)).toHaveLength(4);
  });

  test.each([
    [9 * minute, true],
    [10 * minute, false],
    [-minute, false],
  ])("after %i ms: %s", async (elapsed, kept) => {
    let now = noon.getTime();
    const sources = fixtureSources();
    const engine = engineFor(policy(), { sources, clock: () => new Date(now) });
    const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
    await engine.evaluate(request);
    now += elapsed;
    const { stats } = await engine.evaluate(request);
    expect(stats.facts).toBe(kept ? 1 : 0);
  });

  test("a fact holds for its attestors, digest and repository only", async () => {
    const attestors = [{ entries: [keys()] }];
    const engine = engineFor([
      policy({ name: "tags", entry: { imageReferences: ["127.0.0.1:5001/*"], attestors } }),
      policy({
        name: "other",
        entry: { imageReferences: ["127.0.0.1:5002/*"], attestors: [{ entries: [keys("other")] }] },
      }),
    ]);
    const right = await engine.evaluate({ resource: pod(pinned("key-ecdsa")) });
    const wrong = await engine.evaluate({ resource: pod(pinned("key-ecdsa", "referrers")) });
    expect([right.verdict.allowed, wrong.verdict.allowed]).toEqual([true, false]);
    const another = await engine.evaluate({ resource: pod(pinned("unsigned")) });
    expect(another.verdict.allowed).toBe(false);
  });

  test("another digest of the same repository is another question", async () => {
    const engine = engineFor(policy());
    const signed = await engine.evaluate({ resource: pod(pinned("key-ecdsa")) });
    const other = pinned("key-ecdsa").replace(/@.*$/, `@${digestOf("unsigned")}`);
    const unsigned = await engine.evaluate({ resource: pod(other) });
    expect([signed.verdict.allowed, unsigned.verdict.allowed]).toEqual([true, false]);
  });

  test("a fact that rests on a trust root ends with it", async () => {
    const withLog = { keys: { publicKeys: fixture("keys/cosign.pub") } };
    const document = policy({ entry: { attestors: [{ entries: [withLog] }] } });
    const root = JSON.parse(fixture("trust/trusted_root.json"));
    let json = JSON.stringify(root);
    const { trust: _trust, ...rest } = fixtureSources();
    const trust = { fetch: async () => ({ ok: true, value: { json } }) as const };
    const engine = engineFor(document, { sources: { ...rest, trust } });
    const request = { resource: pod(pinned("key-tlog", "referrers")) };
    expect((await engine.evaluate(request)).verdict.allowed).toBe(true);
    expect((await engine.evaluate(request)).stats.facts).toBe(1);
    json = JSON.stringify({ ...root, tlogs: [] });
    const { verdict, stats } = await engine.evaluate(request);
    expect(stats.facts).toBe(0);
    expect(verdict.allowed).toBe(false);
  });

  test("unless the caller wants everything anew, as a record does", async () => {
    const engine = engineFor(policy());
    const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
    await engine.evaluate(request);
    const input = { policies: [], request };
    const warm = await engine.evaluate(request);
    expect(() => recordOf(warm, input)).toThrow(/remember: false/);
    const fresh = await engine.evaluate(request, { remember: false });
    expect(recordOf(fresh, input).answers).toHaveLength(2);
  });

  test("or the policy says `useCache: false`", async () => {
    const engine = engineFor(policy({ entry: { useCache: false } }));
    const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
    await engine.evaluate(request);
    expect((await engine.evaluate(request)).stats).toMatchObject({ facts: 0, lookups: 2 });
  });

  test("or the engine keeps none", async () => {
    const engine = engineFor(policy(), { limits: { factTtlMilliseconds: 0 } });
    const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
    await engine.evaluate(request);
    expect((await engine.evaluate(request)).stats.facts).toBe(0);
  });

  test("a plan does not depend on what was evaluated before", async () => {
    const engine = engineFor(policy());
    const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
    const before = engine.plan(request);
    await engine.evaluate(request);
    expect(engine.plan(request)).toEqual(before);
  });
});

test("a fact keeps alive nothing of the evidence that it was found in", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const sources = fixtureSources();
  const seen: WeakRef<object>[] = [];
  const evidence: EvidenceSource = {
    fetch: async (lookup, options) => {
      const answer = await sources.evidence.fetch(lookup, options);
      // A copy, so that the fixtures do not hold it.
      const own = structuredClone(answer);
      if (own.ok) seen.push(new WeakRef(own.value));
      return own;
    },
  };
  const engine = engineFor(policy(), { sources: { ...sources, evidence } });
  const request = { resource: pod(pinned("key-ecdsa", "referrers")) };
  await engine.evaluate(request);
  expect(seen.length).toBeGreaterThan(0);
  await setImmediate();
  collect();
  expect(seen.map((one) => one.deref())).toEqual(seen.map(() => undefined));
  expect((await engine.evaluate(request)).stats.facts).toBe(1);
});
