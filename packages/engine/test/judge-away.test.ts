import type { JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { engineFor, entry, image, keys, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

// With a limit of one byte every evaluation is judged in a thread of its own.
const far = { largeEvidenceBytes: 1 } as const;

describe("a verdict does not depend on the thread that judges", () => {
  const conditions = [
    { all: [{ key: "{{ attestation.predicate.builder.id }}", operator: "Equals", value: "nobody" }] },
  ];
  const preconditions = { all: [{ key: "{{ request.operation }}", operator: "Equals", value: "CREATE" }] };
  const attestations = [{ type: "https://slsa.dev/provenance/v0.2", conditions, name: "prov" }];
  const deny = { conditions: { any: [{ key: "{{ prov.buildType }}", operator: "NotEquals", value: "x" }] } };
  const trustedRoot = fixture("trust/trusted_root.json");
  const cases: readonly (readonly [string, readonly JsonObject[], JsonObject])[] = [
    ["allowed by a key", [policy()], pod(image("key-ecdsa"))],
    [
      "denied by a condition",
      [policy({ entries: [entry({ attestations })], rule: { preconditions } })],
      pod(pinned("key-att3")),
    ],
    [
      "denied across attestations",
      [
        policy({
          entries: [
            entry({
              attestations: [{ type: attestations[0]?.type ?? "", name: "prov" }],
              validate: { deny },
            }),
          ],
        }),
      ],
      pod(pinned("key-att3")),
    ],
    [
      "by several policies",
      [policy({ name: "a" }), policy({ name: "b", entry: { attestors: [{ entries: [keys("other")] }] } })],
      pod(pinned("key-two")),
    ],
    [
      "by a key of a ConfigMap",
      [
        policy({
          entry: {
            attestors: [
              {
                entries: [{ keys: { publicKeys: "{{ configmap.a.data.b }}", rekor: { ignoreTlog: true } } }],
              },
            ],
          },
        }),
      ],
      pod(pinned("key-ecdsa")),
    ],
    ["by a trust root", [JSON.parse(fixture("policies/klb.yaml"))], pod("127.0.0.1:5002/acme/klb-sig:v1")],
  ];

  test.each(cases)("%s", async (_name, documents, resource) => {
    const sources = () =>
      fixtureSources({ trustedRoot, configMaps: { "kyverno/a": { b: fixture("keys/cosign.pub") } } });
    const near = await engineFor(documents, { sources: sources() }).evaluate({ resource });
    const away = engineFor(documents, { sources: sources(), limits: far });
    const [first, second] = await Promise.all([away.evaluate({ resource }), away.evaluate({ resource })]);
    expect(JSON.stringify(first.verdict)).toBe(JSON.stringify(near.verdict));
    expect(JSON.stringify(second.verdict)).toBe(JSON.stringify(near.verdict));
    expect([near.stats.away, first.stats.away > 0]).toEqual([0, true]);
    expect(near.verdict.results.length).toBeGreaterThan(0);
  });
});
