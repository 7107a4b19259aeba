import { decodeRecord, encodeRecord, recordOf } from "@assay/engine";
import { parseDigest } from "@assay/image";
import { registrySource } from "@assay/sources/registry";
import { recordingSources, replaySources } from "@assay/sources/replay";
import { createKey, type Fault, image, type PushedImage, type Registry, slsa } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { judgePod, keyYaml, world } from "./abuse/engine-world.ts";
import { policyKey } from "./abuse/world.ts";

// A shelf of which a part could not be had: one signature among what was read suffices, for everything else nobody
// knows what the rest holds.

const bundles = { format: "bundle-v0.3" } as const;
const secondPage: Fault = { path: /\/referrers\/.*offset=1/, effect: { kind: "status", status: 503 } };
const attestation = `- type: https://slsa.dev/provenance/v1
              attestors: [{ entries: [${keyYaml()}] }]`;

/** An image with one referrer per page. */
function pushed(build: ReturnType<typeof image>): { readonly registry: Registry; readonly at: PushedImage } {
  const registry = world({ referrersApi: true, pageSize: 1 });
  return { registry, at: build.pushTo(registry) };
}

/** Signed by the policy's key and by a stranger, in an order that does not matter to us. */
function twiceSigned(first = policyKey, second = createKey()): ReturnType<typeof image> {
  return image().using(bundles).signedBy(first).signedBy(second);
}

describe("a list of referrers whose second page cannot be had", () => {
  test("allows what a signature on the first page allows", async () => {
    const { registry, at } = pushed(twiceSigned());
    registry.inject(secondPage);
    expect((await judgePod(registry, at.byDigest)).outcome).toBe("allowed");
  });

  test("is no proof that there is no other signature", async () => {
    const { registry, at } = pushed(twiceSigned(createKey(), policyKey));
    registry.inject(secondPage);
    const { outcome, codes } = await judgePod(registry, at.byDigest);
    expect(outcome).toBe("error");
    expect(codes).toContain("unavailable");
    expect(codes).not.toContain("notSigned");
  });

  test("is no proof that all attestations of a type hold", async () => {
    const attested = image().using(bundles).signedBy(policyKey).attested(slsa(), slsa());
    const { registry, at } = pushed(attested);
    const entry = ["attestations:", `  ${attestation}`];
    expect((await judgePod(registry, at.byDigest, { entry })).outcome).toBe("allowed");
    registry.inject(secondPage);
    const { outcome, codes } = await judgePod(registry, at.byDigest, { entry });
    expect(outcome).toBe("error");
    expect(codes).toContain("unavailable");
  });

  test("is asked for again by the next evaluation, not remembered as whole", async () => {
    const { registry, at } = pushed(twiceSigned(createKey(), policyKey));
    const source = registrySource({ fetch: registry.fetch, retry: { attempts: 1 } });
    const lookup = {
      kind: "referrers",
      repository: `${registry.host}/acme/app`,
      digest: parseDigest(at.digest),
    } as const;
    const { signal } = new AbortController();
    const heal = registry.inject(secondPage);
    expect(await source.fetch<"referrers">(lookup, { signal })).toMatchObject({
      ok: false,
      failure: { code: "unavailable", status: 503 },
      found: [{ kind: "bundle" }],
    });
    heal();
    expect(await source.fetch<"referrers">(lookup, { signal })).toMatchObject({
      ok: true,
      value: { candidates: [{ kind: "bundle" }, { kind: "bundle" }] },
    });
  });
});

describe.each([
  ["a referrer whose manifest cannot be had", bundles, /\/manifests\/sha256:/],
  ["a bundle that cannot be had", bundles, /\/blobs\//],
  ["a layer of the signature tag that cannot be had", {}, /\/blobs\//],
] as const)("%s", (_name, options, path) => {
  async function judgedWith(after: number): Promise<readonly string[]> {
    const registry = world({ referrersApi: true });
    // Equal claims would be one blob, asked for once.
    const other = { annotations: { by: "another" } };
    const signed = image().using(options).signedBy(policyKey).signedBy(createKey(), other);
    const at = signed.pushTo(registry);
    registry.inject({ path, after, times: 1, effect: { kind: "status", status: 503 } });
    const { outcome, codes } = await judgePod(registry, at.byDigest);
    return [outcome, ...codes.filter((code) => code === "notSigned")];
  }

  test("leaves what the others hold", async () => {
    // Of the two, one is the policy's: whichever is hit, it is allowed or undecided, and never called unsigned.
    const outcomes = [await judgedWith(0), await judgedWith(1)];
    expect(outcomes.sort()).toEqual([["allowed"], ["error"]]);
  });
});

test("a record keeps what was found before a failure, and replays to the same verdict", async () => {
  const { registry, at } = pushed(twiceSigned());
  registry.inject(secondPage);
  const { evaluation, verdict } = await judgePod(registry, at.byDigest);
  expect(verdict.allowed).toBe(true);
  const record = recordOf(evaluation, { policies: [], request: { resource: {} } });
  expect(decodeRecord(encodeRecord(record)).answers).toEqual(record.answers);
  const recording = recordingSources({
    evidence: registrySource({ fetch: registry.fetch, retry: { attempts: 1 } }),
  });
  const { signal } = new AbortController();
  const lookup = {
    kind: "referrers",
    repository: `${registry.host}/acme/app`,
    digest: parseDigest(at.digest),
  } as const;
  const answer = await recording.sources.evidence.fetch<"referrers">(lookup, { signal });
  const replayed = await replaySources(recording.text()).evidence.fetch<"referrers">(lookup, { signal });
  expect({ ...replayed, requests: answer.requests }).toEqual(answer);
});
