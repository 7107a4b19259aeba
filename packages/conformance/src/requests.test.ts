import {
  createKey,
  createRegistry,
  custom,
  image,
  type Registry,
  slsa,
  spdx,
  type TestImage,
  vuln,
} from "@assay/testkit";
import { createAssay } from "assay";
import { describe, expect, test } from "vitest";
import { type FetchWaves, fetchWaves } from "./fetch-waves.ts";

const HOST = "127.0.0.1:5001";
const key = createKey();
const other = createKey();

const PREDICATES = [slsa({ version: "0.2" }), spdx(), vuln({ finishedOn: "2026-01-15T11:00:00Z" })] as const;
const TYPES = PREDICATES.map(({ predicateType }) => predicateType);

interface Asked {
  readonly made: TestImage;
  readonly images: (pushed: ReturnType<TestImage["pushTo"]>) => readonly string[];
  readonly types?: readonly string[];
  readonly keys?: readonly string[];
  readonly policies?: number;
  readonly pods?: number;
  readonly referrersApi?: boolean;
  readonly allowed?: boolean;
}

const signed = image().using({ format: "legacy" }).signedBy(key);
const bundled = image().using({ format: "bundle-v0.3" }).signedBy(key);
const message = image().using({ format: "bundle-v0.3", content: "message" }).signedBy(key);
const byDigest: Asked["images"] = ({ byDigest }) => [byDigest];
const byTag: Asked["images"] = ({ reference }) => [reference];

const attested = signed.attested(...PREDICATES);

interface Row {
  readonly name: string;
  readonly asked: Asked;
  /** At most. */
  readonly requests: number;
  readonly roundTrips: number;
  /** Requests of Kyverno 1.19.1 and cosign 3.1.2 for the same, recorded from a registry's log. */
  readonly kyverno?: number;
  readonly cosign?: number;
}

const ROWS: readonly Row[] = [
  row("a legacy signature, by digest", { made: signed, images: byDigest }, 3, 2, { kyverno: 3 }),
  row("a legacy signature, by tag", { made: signed, images: byTag }, 4, 3, { kyverno: 4, cosign: 6 }),
  row(
    "a legacy signature, by digest, no referrers API",
    { made: signed, images: byDigest, referrersApi: false },
    4,
    2,
    { kyverno: 3, cosign: 5 },
  ),
  row(
    "a legacy signature, by tag, no referrers API",
    { made: signed, images: byTag, referrersApi: false },
    5,
    3,
    { kyverno: 4, cosign: 7 },
  ),
  row(
    "a legacy signature and 3 attestations, by digest",
    { made: attested, images: byDigest, types: TYPES },
    7,
    2,
    { kyverno: 18 },
  ),
  row(
    "a legacy signature and 3 attestations, by tag",
    { made: attested, images: byTag, types: TYPES },
    8,
    3,
    { kyverno: 19 },
  ),
  row("a bundle, by digest", { made: bundled, images: byDigest }, 4, 3),
  row("a bundle, by tag", { made: bundled, images: byTag }, 5, 4, { kyverno: 5, cosign: 9 }),
  row("a bundle, by tag, fallback tag", { made: bundled, images: byTag, referrersApi: false }, 6, 5, {
    kyverno: 6,
    cosign: 11,
  }),
  row("a bundle that signs the manifest, by digest", { made: message, images: byDigest }, 5, 4),
  row("a bundle that signs the manifest, by tag", { made: message, images: byTag }, 5, 4),
  row("an unsigned image, by tag", { made: image(), images: byTag, allowed: false }, 4, 3, {
    kyverno: 5,
    cosign: 6,
  }),
  row(
    "a legacy signature, two keys, the second is right, by tag",
    { made: signed, images: byTag, keys: [other.pem, key.pem] },
    4,
    3,
    { kyverno: 8 },
  ),
  row("a legacy signature, three policies", { made: signed, images: byDigest, policies: 3 }, 3, 2),
  row(
    "a legacy signature, three containers of the image",
    { made: signed, images: ({ byDigest }) => [byDigest, byDigest, byDigest] },
    3,
    2,
  ),
  row(
    "a legacy signature, the image by tag and by digest",
    { made: signed, images: ({ reference, byDigest }) => [reference, byDigest, reference] },
    4,
    3,
  ),
  row("20 Pods of one image, a legacy signature, by tag", { made: signed, images: byTag, pods: 20 }, 4, 3, {
    kyverno: 80,
  }),
  row(
    "20 Pods of one image, a legacy signature and 3 attestations, by tag",
    { made: attested, images: byTag, types: TYPES, pods: 20 },
    8,
    3,
    { kyverno: 380 },
  ),
];

function row(
  name: string,
  asked: Asked,
  requests: number,
  roundTrips: number,
  recorded: Pick<Row, "kyverno" | "cosign"> = {},
): Row {
  return { name, asked, requests, roundTrips, ...recorded };
}

describe("requests to the registry", () => {
  const lines: string[] = [];

  test.each(ROWS.map((one) => [one.name, one] as const))(
    "%s",
    async (name, { asked, requests, roundTrips, ...recorded }) => {
      const { waves, repeated } = await ask(asked);
      expect(repeated).toEqual([]);
      expect(waves.requests().length, waves.requests().join("\n")).toBeLessThanOrEqual(requests);
      expect(waves.roundTrips(), waves.requests().join("\n")).toBeLessThanOrEqual(roundTrips);
      const { kyverno = "–", cosign = "–" } = recorded;
      lines.push(`| ${name} | ${waves.requests().length} | ${waves.roundTrips()} | ${kyverno} | ${cosign} |`);
    },
  );

  test("docs/requests.md shows these numbers", async () => {
    await expect([INTRODUCTION, ...lines, ""].join("\n")).toMatchFileSnapshot("../../../docs/requests.md");
  });
});

const INTRODUCTION = `# Requests

How often a registry is asked for one evaluation, and how many times something has to be waited for (requests that are under
way together are one round trip). Kyverno's (1.19.1) and cosign's (3.1.2) requests were recorded from a registry's log; they
are made nearly one after the other. Made by \`packages/conformance/src/requests.test.ts\`, which fails when a number rises.

| what is verified | requests | round trips | Kyverno's requests | cosign's requests |
|---|---|---|---|---|`;

test("what was fetched by digest is not fetched again by a later request", async () => {
  const registry = createRegistry({ host: HOST });
  const pushed = signed.attested(custom({ a: 1 })).pushTo(registry);
  const waves = fetchWaves(registry.fetch);
  const assay = createAssay({
    policies: policy([key.pem]),
    registry: { fetch: waves.fetch, credentials: [] },
  });
  await assay.evaluate({ resource: pod(0, [pushed.byDigest]) });
  const first = waves.requests().length;
  await assay.evaluate({ resource: pod(1, [pushed.byDigest]) });
  const again = waves.requests().slice(first);
  expect(again.filter((request) => /\/(?:blobs|manifests)\/sha256:/.test(request))).toEqual([]);
});

async function ask(
  asked: Asked,
): Promise<{ readonly waves: FetchWaves; readonly repeated: readonly string[] }> {
  const registry: Registry = createRegistry({ host: HOST, referrersApi: asked.referrersApi ?? true });
  const pushed = asked.made.pushTo(registry);
  const waves = fetchWaves(registry.fetch);
  const policies = Array.from({ length: asked.policies ?? 1 }, (_, i) =>
    policy(asked.keys ?? [key.pem], asked.types, i),
  );
  const assay = createAssay({ policies, registry: { fetch: waves.fetch, credentials: [] } });
  const resources = Array.from({ length: asked.pods ?? 1 }, (_, i) => pod(i, asked.images(pushed)));
  const verdicts = await Promise.all(resources.map((resource) => assay.evaluate({ resource })));
  for (const { allowed, results } of verdicts)
    expect(allowed, JSON.stringify(results)).toBe(asked.allowed ?? true);
  const all = waves.requests();
  return { waves, repeated: all.filter((request, i) => all.indexOf(request) !== i) };
}

function policy(keys: readonly string[], types: readonly string[] = [], i = 0): string {
  const attestors = [
    { count: 1, entries: keys.map((publicKeys) => ({ keys: { publicKeys, rekor: { ignoreTlog: true } } })) },
  ];
  const verifyImages = [
    { imageReferences: [`${HOST}/*`], attestors, attestations: types.map((type) => ({ type, attestors })) },
  ];
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: `policy-${i}` },
    spec: {
      validationFailureAction: "Enforce",
      rules: [{ name: "check", match: { any: [{ resources: { kinds: ["Pod"] } }] }, verifyImages }],
    },
  });
}

function pod(
  i: number,
  images: readonly string[],
): Parameters<ReturnType<typeof createAssay>["evaluate"]>[0]["resource"] {
  const containers = images.map((name, c) => ({ name: `c${c}`, image: name }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `pod-${i}`, namespace: "default" },
    spec: { containers },
  };
}
