import { type Answer, type Answers, type Lookup, lookupKey, type Sources } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import { describe, expect, test } from "vitest";
import { clusterReads, readsHold } from "../src/scan/cluster-reads.ts";

const { signal } = new AbortController();
const answer: Answer<"apiCall"> = { ok: true, value: { data: { allowed: true } } };
const answersTo = (lookup: Lookup): Answers => new Map([[lookupKey(lookup), { lookup, answer }]]);

/** Gives every question the same answer, and writes down what was asked. */
function source(): { readonly asked: Lookup[]; readonly sources: Pick<Sources, "context" | "keys"> } {
  const asked: Lookup[] = [];
  const fetch = async (lookup: Lookup): Promise<Answer> => {
    asked.push(lookup);
    return answer;
  };
  const context = { fetch: fetch as NonNullable<Sources["context"]>["fetch"] };
  return { asked, sources: { context } };
}

const configMap: Lookup = { kind: "configMap", namespace: "trust", name: "keys" };
const service = "https://scanner.security/api";
const token = [{ key: "authorization", value: "Bearer secret" }];

test("what an evaluation read of the cluster is asked again, each question once, and holds if the answers are the same", async () => {
  const { asked, sources } = source();
  const hold = readsHold(sources, signal);
  const reads = clusterReads(answersTo(configMap));
  expect(await hold(reads)).toBe(true);
  expect(await hold(reads)).toBe(true);
  expect(await hold([{ ...reads[0], sha256: "0".repeat(64) }])).toBe(false);
  expect(asked).toEqual([configMap]);
});

describe("is not written down and never holds:", () => {
  test.each<[string, Lookup]>([
    ["a call to a service", { kind: "apiCall", method: "GET", url: service, headers: token }],
    ["a POST", { kind: "apiCall", method: "POST", url: "/apis/x/v1/reviews", body: { secret: 1 } }],
  ])("%s", async (_, lookup) => {
    const { asked, sources } = source();
    const reads = clusterReads(answersTo(lookup));
    expect(JSON.stringify(reads)).not.toContain("secret");
    expect(reads).toHaveLength(1);
    expect(await readsHold(sources, signal)(reads)).toBe(false);
    expect(asked).toEqual([]);
  });
});

test.each<[string, Lookup]>([
  ["a registry", { kind: "digest", image: parseImageReference("ghcr.io/shop/web:v1") }],
  ["a cloud's KMS", { kind: "kmsKey", reference: "awskms:///alias/cosign" }],
])("what %s holds is as of the scan", (_, lookup) => {
  expect(clusterReads(answersTo(lookup))).toEqual([]);
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["a text", "reads"],
  ["a KMS elsewhere", [{ lookup: { kind: "kmsKey", reference: "awskms://evil.example/alias/a" } }]],
  ["another host", [{ lookup: { kind: "apiCall", method: "GET", url: "https://evil.example/" } }]],
  ["a change", [{ lookup: { kind: "apiCall", method: "DELETE", url: "/api/v1/namespaces/shop" } }]],
])("a journal whose reads are %s makes nobody ask anything", async (_, reads) => {
  const { asked, sources } = source();
  expect(await readsHold(sources, signal)(reads)).toBe(false);
  expect(asked).toEqual([]);
});
