import { setTimeout } from "node:timers/promises";
import { createEngine, type EvidenceLookup, type EvidenceSource, lookupKey } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { createKey, createRegistry, image, predicate } from "@assay/testkit";

// How long a 10 MB attestation holds up the event loop: judged in a thread of its own, and, for comparison, on the caller's.
// node --conditions=assay:source packages/conformance/bench/large-attestation.ts

const type = "https://spdx.dev/Document";
const packages = Array.from({ length: 60_000 }, (_, index) => ({
  name: `package-${index}`,
  SPDXID: `SPDXRef-Package-${index}`,
  versionInfo: `1.${index}.0`,
  downloadLocation: "NOASSERTION",
  licenseConcluded: "Apache-2.0",
}));
const key = createKey();
const registry = createRegistry({ host: "registry.example.com" });
const pushed = image()
  .signedBy(key)
  .attested(predicate(type, { spdxVersion: "SPDX-2.3", packages }))
  .pushTo(registry);
const attestor = { keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } };
const { policies } = loadPolicies(
  JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "sbom" },
    spec: {
      validationFailureAction: "Enforce",
      rules: [
        {
          name: "sbom",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            {
              imageReferences: ["*"],
              attestors: [{ entries: [attestor] }],
              attestations: [
                {
                  type,
                  conditions: [
                    { all: [{ key: "{{ spdxVersion }}", operator: "Equals", value: "SPDX-2.3" }] },
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
const metadata = { name: "web", namespace: "default" };
const resource = {
  apiVersion: "v1",
  kind: "Pod",
  metadata,
  spec: { containers: [{ name: "c", image: pushed.byDigest }] },
};

/** Answers at hand: what is measured is the engine, not the reading of 10 MB. */
const origin = registrySource({ fetch: registry.fetch, resolve: async () => ["192.0.2.1"] });
const known = new Map<string, Promise<never>>();
const evidence: EvidenceSource = {
  fetch(lookup, options) {
    const answer = known.get(lookupKey(lookup)) ?? (origin.fetch(lookup, options) as Promise<never>);
    known.set(lookupKey(lookup), answer);
    return answer;
  },
};

for (const [name, largeEvidenceBytes] of [
  ["in a thread of its own", 1024 * 1024],
  ["on the caller's thread", Number.POSITIVE_INFINITY],
] as const) {
  known.clear();
  const limits = { largeEvidenceBytes };
  const engine = createEngine({ policies, sources: { evidence }, clock: () => new Date(), limits });
  // The evidence is at hand before the clock runs, and nothing of it has been read yet.
  const digest = pushed.digest as Parameters<typeof lookupsOf>[0];
  for (const lookup of lookupsOf(digest))
    await evidence.fetch(lookup, { signal: AbortSignal.timeout(10_000) });
  for (const run of ["first", "again"]) {
    await setTimeout(20);
    let last = performance.now();
    let longest = 0;
    const beat = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    const started = performance.now();
    const { verdict, stats } = await engine.evaluate({ resource });
    const total = Math.round(performance.now() - started);
    await setTimeout(20);
    clearInterval(beat);
    const what = `10 MB attestation ${name}, ${run}: ${verdict.outcome} in ${total} ms`;
    process.stdout.write(`${what}, event loop held up ${longest.toFixed(1)} ms (away: ${stats.away})\n`);
  }
}

function lookupsOf(
  digest: Extract<EvidenceLookup, { kind: "referrers" }>["digest"],
): readonly EvidenceLookup[] {
  const repository = "registry.example.com/acme/app";
  return (["signatureTag", "attestationTag", "referrers"] as const).map((kind) => ({
    kind,
    repository,
    digest,
  }));
}
