import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, type EvidenceSource } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { diskCache } from "@assay/sources/cache";
import { layoutSource } from "@assay/sources/layout";
import { registrySource } from "@assay/sources/registry";
import { createKey, createRegistry, type Format, image, predicate, writeLayout } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countingBytes } from "./bytes-per-turn.ts";

// A large SBOM must not hold up the event loop. Durations depend on the machine; what takes time is counted instead.

const kilo = 1024;
/** A thread is slow to start on a busy machine. */
const patient = { timeoutMilliseconds: 50_000 };
/** Half for the source that hashes, half for the engine that copies what it sends to the thread. */
const perTurn = 1024 * kilo;
const sbom = {
  spdxVersion: "SPDX-2.3",
  packages: Array.from({ length: 12_000 }, (_, index) => ({
    name: `package-${index}`,
    downloadLocation: `https://example.com/packages/number-${index}.tar.gz`,
    licenseConcluded: "Apache-2.0",
  })),
};
const key = createKey();
const host = "registry.example.com";
const registry = createRegistry({ host });
const layer = (): number => Math.max(...registry.blobs().map(({ bytes }) => bytes.byteLength));
let directory: string;

/** What the registry answered, so that its own hashing and copying is not counted. Bodies come all at once: the worst case. */
const answered = new Map<string, { readonly init: ResponseInit; readonly bytes: Uint8Array }>();
const fetch: typeof globalThis.fetch = async (input, init) => {
  const url = String(input);
  const known = answered.get(url) ?? (await keep(url, await registry.fetch(input, init)));
  const { bytes } = known;
  const body = new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
  return new Response(body, known.init);
};

async function keep(url: string, response: Response) {
  const { status, headers } = response;
  const kept = { init: { status, headers }, bytes: new Uint8Array(await response.arrayBuffer()) };
  answered.set(url, kept);
  return kept;
}

beforeAll(async () => {
  const push = (repository: string, format: Format, packages = sbom.packages): void =>
    void image({ repository })
      .signedBy(key, { format })
      .attested(predicate("https://spdx.dev/Document", { ...sbom, packages, repository }))
      .pushTo(registry);
  push("acme/smaller", "legacy", sbom.packages.slice(0, 4000));
  push("acme/legacy", "legacy");
  push("acme/other", "legacy");
  push("acme/bundle", "bundle-v0.3");
  directory = await mkdtemp(join(tmpdir(), "assay-large-"));
  await engineWith(registrySource({ fetch, resolve })).evaluate(all);
  await writeLayout(registry, join(directory, "layout"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const { policies } = loadPolicies(
  JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "sbom" },
    spec: {
      validationFailureAction: "Enforce",
      webhookTimeoutSeconds: 30,
      rules: [
        {
          name: "sbom",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            {
              imageReferences: ["*"],
              attestors: [{ entries: [{ keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } }] }],
              attestations: [
                {
                  type: "https://spdx.dev/Document",
                  conditions: [
                    {
                      all: [
                        {
                          key: "{{ packages[].licenseConcluded }}",
                          operator: "AllIn",
                          value: ["Apache-2.0"],
                        },
                      ],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    },
  }),
);

const resolve = async () => ["192.0.2.1"];
const engineWith = (evidence: EvidenceSource, largeEvidenceBytes?: number) =>
  createEngine({
    policies,
    sources: { evidence },
    clock: () => new Date(),
    limits: largeEvidenceBytes === undefined ? {} : { largeEvidenceBytes },
  });
const podOf = (...repositories: readonly string[]) => ({
  resource: {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: {
      containers: repositories.map((name, index) => ({ name: `c${index}`, image: `${host}/${name}:v1` })),
    },
  },
});

const all = podOf("acme/legacy", "acme/bundle", "acme/other");

describe("a large SBOM does not hold up the event loop", () => {
  const fromRegistry = () => registrySource({ fetch, resolve });
  test.each<readonly [string, () => EvidenceSource]>([
    ["read from a registry", fromRegistry],
    [
      "kept on disk",
      () =>
        registrySource({
          fetch,
          resolve,
          cache: diskCache({ directory: join(directory, "cache") }),
        }),
    ],
    ["in a layout", () => layoutSource(join(directory, "layout"))],
  ])("%s", async (_name, source) => {
    const engine = engineWith(source());
    for (const pod of [podOf("acme/legacy"), all]) {
      const counts = await countingBytes(async () => {
        const both = await Promise.all([engine.evaluate(pod, patient), engine.evaluate(pod, patient)]);
        for (const { verdict, stats } of both)
          expect([verdict.outcome, stats.away > 0]).toEqual(["pass", true]);
      });
      expect(counts.hashed).toBeGreaterThan(layer());
      expect(counts.perTurn).toBeLessThanOrEqual(perTurn);
      expect(counts.messages).toBeGreaterThan(0);
      expect(counts.sent).toBeLessThan(64 * kilo);
      expect(counts.read).toBeLessThan(64 * kilo);
    }
  });

  test("is sent to the thread once, as long as the source remembers it", async () => {
    const engine = engineWith(fromRegistry());
    const counts = [];
    for (let evaluation = 0; evaluation < 2; evaluation++) {
      counts.push(
        await countingBytes(async () => {
          const { verdict, stats } = await engine.evaluate(podOf("acme/smaller"), patient);
          expect([verdict.outcome, stats.away > 0]).toEqual(["pass", true]);
        }),
      );
    }
    const [first, second] = counts.map(({ copied }) => copied);
    expect(first).toBeGreaterThan(256 * kilo);
    expect(second).toBeLessThan(16 * kilo);
  });

  test("which is seen where it is judged on the caller's thread", async () => {
    const engine = engineWith(fromRegistry(), Number.POSITIVE_INFINITY);
    const counts = await countingBytes(async () => {
      await engine.evaluate(podOf("acme/legacy"));
    });
    expect(counts.messages).toBe(0);
    expect(counts.read).toBeGreaterThan(layer() / 2);
  });
});
