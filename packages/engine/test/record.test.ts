import { loadPolicies } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import { diffVerdicts } from "../src/verdict/diff-verdicts.ts";
import {
  decodeRecord,
  type EvaluationRecord,
  encodeRecord,
  recordOf,
  replaySources,
} from "../src/verdict/record.ts";
import type { EvaluationRequest } from "../src/verdict/verdict.ts";
import { engineFor, entry, image, keys, noon, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

const slsa = {
  type: "https://slsa.dev/provenance/v0.2",
  conditions: [{ all: [{ key: "{{ WHO }}", operator: "Equals", value: "acme" }] }],
};

async function recordFor(
  document: object,
  request: EvaluationRequest,
  answers = {},
): Promise<EvaluationRecord> {
  const text = JSON.stringify(document);
  const policies = [{ file: "policy.json", text }];
  const options = { variables: { WHO: "acme" } };
  const engine = createEngine({
    policies: loadPolicies(policies).policies,
    sources: fixtureSources(answers),
    clock: () => noon,
    ...options,
  });
  return recordOf(await engine.evaluate(request), { policies, options, request });
}

async function replay(record: EvaluationRecord) {
  const { policies } = loadPolicies([...record.policies]);
  const clock = () => new Date(record.clock);
  const engine = createEngine({ policies, sources: replaySources(record), clock, ...record.options });
  return (await engine.evaluate(record.request)).verdict;
}

describe("a record", () => {
  test.each([
    ["allowed", policy({ entries: [entry({ attestations: [slsa] })] }), pod(image("key-att3"))],
    ["denied", policy(), pod([image("unsigned"), image("copied"), image("key-ecdsa")])],
    [
      "undecided",
      policy({ entry: { attestors: [{ entries: [{ keys: { publicKeys: "{{ configmap.a.data.b }}" } }] }] } }),
      pod(image("key-ecdsa")),
    ],
    [
      "with bundles and a trust root",
      JSON.parse(fixture("policies/klb.yaml")),
      pod("127.0.0.1:5002/acme/klb-sig:v1"),
    ],
  ])("replays to the same verdict, byte for byte: %s", async (_name, document, resource) => {
    const recorded = await recordFor(
      document,
      { resource },
      { trustedRoot: fixture("trust/trusted_root.json") },
    );
    const read = decodeRecord(encodeRecord(recorded));
    expect(read).toEqual(recorded);
    expect(JSON.stringify(await replay(read))).toBe(JSON.stringify(recorded.verdict));
  });

  test("of equal evaluations is equal", async () => {
    const request = { resource: pod([image("key-ecdsa"), image("unsigned")]) };
    const [first, second] = await Promise.all([recordFor(policy(), request), recordFor(policy(), request)]);
    expect(encodeRecord(first)).toBe(encodeRecord(second));
  });

  test("answers nothing that was not asked: another policy's questions never allow", async () => {
    const record = await recordFor(policy(), { resource: pod(image("key-ecdsa")) });
    const other = policy({
      spec: { failurePolicy: "Ignore" },
      entries: [entry({ attestations: [{ type: "x" }] })],
    });
    const changed = { ...record, policies: [{ file: "policy.json", text: JSON.stringify(other) }] };
    expect(await replay(changed)).toMatchObject({ allowed: false, outcome: "error" });
  });

  test("is decoded before it is replayed: what was only parsed is refused, not judged without its bytes", async () => {
    const text = encodeRecord(await recordFor(policy(), { resource: pod(image("key-ecdsa")) }));
    expect((await replay(decodeRecord(text))).allowed).toBe(true);
    for (const given of [JSON.parse(text), text, undefined]) {
      expect(() => replaySources(given)).toThrow("becomes one by `decodeRecord(text)`");
    }
  });

  test("keeps what only looks like bytes", async () => {
    const record = await recordFor(policy(), { resource: pod(image("unsigned")) });
    const lookup = { kind: "globalContext", name: "odd" } as const;
    const answer = { ok: true, value: { data: { $base64: "AAAA" } } } as const;
    const read = decodeRecord(encodeRecord({ ...record, answers: [{ lookup, answer }] }));
    expect(read.answers[0]?.answer).toEqual(answer);
  });

  test.each<[string, unknown]>([
    ["no value", { ok: true }],
    ["candidates that are text", { ok: true, value: { candidates: "none" } }],
    ["a candidate that is nothing", { ok: true, value: { candidates: [null] } }],
    ["a failure without its reason", { ok: false }],
    ["found candidates that are an object", { ok: false, failure: { code: "unavailable" }, found: {} }],
  ])("whose answer has %s is refused, not judged without it", async (_, answer) => {
    const record = await recordFor(policy(), { resource: pod(image("key-ecdsa")) });
    const text = JSON.stringify({ ...record, answers: [{ lookup: { kind: "signatureTag" }, answer }] });
    expect(() => decodeRecord(text)).toThrow(expect.objectContaining({ code: "invalidRecord" }));
  });

  test.each<[string, object]>([
    ["another version", { version: 2 }],
    ["a clock that is no time", { clock: "noon" }],
    ["a clock that is a number", { clock: 0 }],
    ["policies that are text", { policies: "kind: ClusterPolicy" }],
    ["answers that are none", { answers: {} }],
    [
      "one answer among others that is nothing",
      { answers: [{ lookup: { kind: "digest" }, answer: { ok: false, failure: {} } }, null] },
    ],
    ["an answer to nothing", { answers: [{ answer: {} }] }],
    ["a question without an answer", { answers: [{ lookup: { kind: "digest" } }] }],
    ["a question of no kind", { answers: [{ lookup: {}, answer: {} }] }],
    ["no request", { request: null }],
    ["no verdict", { verdict: [] }],
    ["no options", { options: "" }],
  ])("that has %s is refused", async (_, over) => {
    const record = await recordFor(policy(), { resource: pod(image("key-ecdsa")) });
    expect(() => decodeRecord(JSON.stringify({ ...record, ...over }))).toThrow(
      expect.objectContaining({ code: "invalidRecord" }),
    );
  });

  test.each(["", "{}", "[1]", '{"version":2}', '{"version":1,"clock":"x"}'])(
    "that is none is refused: %j",
    (text) => {
      expect(() => decodeRecord(text)).toThrow(expect.objectContaining({ code: "invalidRecord" }));
    },
  );
});

describe("the difference of two verdicts", () => {
  test("says which decision flips, and which results say why", async () => {
    const request = { resource: pod([image("key-ecdsa"), image("key-other")]) };
    const both = [{ count: 1, entries: [keys(), keys("other")] }];
    const [before, after] = await Promise.all([
      engineFor(policy({ entry: { attestors: both } })).evaluate(request),
      engineFor(policy()).evaluate(request),
    ]);
    const diff = diffVerdicts(before.verdict, after.verdict);
    expect(diff).toMatchObject({ flips: true, before: { allowed: true }, after: { allowed: false } });
    expect(diff.changes).toHaveLength(1);
    expect(diff.changes[0]).toMatchObject({
      image: image("key-other"),
      before: { outcome: "pass" },
      after: { outcome: "fail" },
    });
    expect(diffVerdicts(after.verdict, after.verdict)).toMatchObject({ flips: false, changes: [] });
  });

  test("tells of rules that are new or gone", async () => {
    const request = { resource: pod(image("key-ecdsa")) };
    const [one, two] = await Promise.all([
      engineFor(policy({ name: "a" })).evaluate(request),
      engineFor([policy({ name: "a" }), policy({ name: "b" })]).evaluate(request),
    ]);
    const { changes } = diffVerdicts(one.verdict, two.verdict);
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({ policy: "b", after: { outcome: "pass" } });
    expect(changes[0]).not.toHaveProperty("before");
  });

  test("tells of each field that holds no image, though the rule names none of them", async () => {
    const judged = (images: readonly string[]) => engineFor(policy()).evaluate({ resource: pod(images) });
    const [one, two] = await Promise.all([judged(["!!a", "!!b"]), judged(["!!c", "!!b"])]);
    const { changes } = diffVerdicts(one.verdict, two.verdict);
    expect(changes).toMatchObject([
      {
        before: { message: expect.stringContaining("!!a") },
        after: { message: expect.stringContaining("!!c") },
      },
    ]);
    const fewer = await judged(["!!a"]);
    const [lost] = diffVerdicts(one.verdict, fewer.verdict).changes;
    expect(lost).toMatchObject({ before: { message: expect.stringContaining("!!b") } });
    expect(lost).not.toHaveProperty("after");
    expect(diffVerdicts(fewer.verdict, one.verdict).changes).toHaveLength(1);
    expect(diffVerdicts(one.verdict, (await judged(["!!a", "!!b"])).verdict).changes).toEqual([]);
  });
});
