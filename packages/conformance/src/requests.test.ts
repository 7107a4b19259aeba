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

// What Kyverno 1.19.1 and cosign 3.1.2 ask for the same (recorded with a request log): a legacy signature by digest
// 3 and 5 requests, nearly one after the other; with three attestations 18 (Kyverno); 20 Pods of it 380.

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
const byDigest: Asked["images"] = ({ byDigest }) => [byDigest];
const byTag: Asked["images"] = ({ reference }) => [reference];

// requests, round trips
const ROWS: readonly (readonly [string, Asked, number, number])[] = [
  ["a legacy signature, by digest", { made: signed, images: byDigest }, 3, 2],
  ["a legacy signature, by tag", { made: signed, images: byTag }, 4, 3],
  [
    "a legacy signature, by digest, no referrers API",
    { made: signed, images: byDigest, referrersApi: false },
    4,
    2,
  ],
  [
    "a legacy signature and 3 attestations, by digest",
    { made: signed.attested(...PREDICATES), images: byDigest, types: TYPES },
    7,
    2,
  ],
  [
    "a legacy signature and 3 attestations, by tag",
    { made: signed.attested(...PREDICATES), images: byTag, types: TYPES },
    8,
    3,
  ],
  ["a bundle, by digest", { made: bundled, images: byDigest }, 4, 3],
  ["a bundle, by digest, fallback tag", { made: bundled, images: byDigest, referrersApi: false }, 5, 4],
  ["an unsigned image, by digest", { made: image(), images: byDigest, allowed: false }, 3, 2],
  [
    "several attestors ask nothing twice",
    { made: signed, images: byDigest, keys: [other.pem, key.pem] },
    3,
    2,
  ],
  ["several policies ask nothing twice", { made: signed, images: byDigest, policies: 3 }, 3, 2],
  [
    "several containers of one image ask nothing twice",
    { made: signed, images: ({ byDigest }) => [byDigest, byDigest, byDigest] },
    3,
    2,
  ],
  [
    "a tag and its digest ask nothing twice",
    { made: signed, images: ({ reference, byDigest }) => [reference, byDigest, reference] },
    4,
    3,
  ],
  [
    "20 Pods of one image, at the same time",
    { made: signed.attested(...PREDICATES), images: byTag, types: TYPES, pods: 20 },
    8,
    3,
  ],
];

describe("requests to the registry", () => {
  test.each(ROWS)("%s", async (_, asked, requests, roundTrips) => {
    const { waves, repeated } = await ask(asked);
    expect(repeated).toEqual([]);
    expect(waves.requests().length, waves.requests().join("\n")).toBeLessThanOrEqual(requests);
    expect(waves.roundTrips(), waves.requests().join("\n")).toBeLessThanOrEqual(roundTrips);
  });
});

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
