import { describe, expect, test } from "vitest";
import { engineFor, entry, image, keys, kindsAsked, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

const slsa = { type: "https://slsa.dev/provenance/v0.2" };

describe("a plan", () => {
  test("tells rules, images, lookups and hosts without asking anybody", () => {
    const sources = fixtureSources();
    const plan = engineFor(policy({ entries: [entry({ attestations: [slsa] })] }), { sources }).plan({
      resource: pod([image("key-att3"), pinned("key-ecdsa", "referrers")]),
    });
    expect(plan.rules).toMatchObject([
      { policy: "test", rule: "check", images: [image("key-att3"), pinned("key-ecdsa", "referrers")] },
    ]);
    expect(plan.lookups.map(({ kind, host, when }) => `${kind} ${host} ${when}`)).toEqual([
      "digest 127.0.0.1:5001 now",
      "signatureTag 127.0.0.1:5002 now",
      "referrers 127.0.0.1:5002 now",
      "attestationTag 127.0.0.1:5002 now",
      "signatureTag 127.0.0.1:5001 whenResolved",
      "attestationTag 127.0.0.1:5001 whenResolved",
      "referrers 127.0.0.1:5001 whenResolved",
      "referrersTag 127.0.0.1:5001 ifNoReferrersApi",
      "manifest 127.0.0.1:5001 ifManifestIsSigned",
      "referrersTag 127.0.0.1:5002 ifNoReferrersApi",
      "manifest 127.0.0.1:5002 ifManifestIsSigned",
    ]);
    expect(plan.hosts).toEqual(["127.0.0.1:5001", "127.0.0.1:5002"]);
    expect(kindsAsked(sources)).toEqual([]);
  });

  test("names a trust root only where one may be needed", () => {
    const needs = policy({
      entry: { attestors: [{ entries: [{ keys: { publicKeys: fixture("keys/cosign.pub") } }] }] },
    });
    const resource = pod(pinned("key-ecdsa"));
    expect(engineFor(needs).plan({ resource }).hosts).toContain("trust root public-good");
    expect(engineFor(policy()).plan({ resource }).hosts).toEqual(["127.0.0.1:5001"]);
  });

  test.each([
    ["its entry", { repository: "sigs.example.com/acme" }],
    ["an attestor", { attestors: [{ entries: [{ ...keys(), repository: "sigs.example.com/acme" }] }] }],
  ])("asks where %s says that signatures are, also once a tag is resolved", (_, parts) => {
    const document = policy({ entry: { ...parts } });
    for (const text of [image("key-ecdsa"), pinned("key-ecdsa")]) {
      const plan = engineFor(document).plan({ resource: pod(text) });
      const subjects = plan.lookups.filter(({ kind }) => kind !== "digest" && kind !== "manifest");
      expect(new Set(subjects.map(({ host }) => host))).toEqual(new Set(["sigs.example.com"]));
      for (const { subject } of subjects) expect(subject).toMatch(/^sigs\.example\.com\/acme@/);
      expect(plan.hosts).toContain("sigs.example.com");
      // The image's manifest is nowhere else.
      expect(plan.lookups.filter(({ kind }) => kind === "manifest").map(({ host }) => host)).toEqual([
        "127.0.0.1:5001",
      ]);
    }
  });

  test("tells of a place that depends on a variable as the policy writes it", () => {
    const document = policy({ entry: { repository: "{{ OURS }}/acme" } });
    const options = { variables: { OURS: "sigs.example.com" } };
    const plan = engineFor(document, options).plan({ resource: pod(image("key-ecdsa")) });
    expect(plan.hosts).toEqual(["127.0.0.1:5001", "{{ OURS }}"]);
  });

  test("names ConfigMaps, Secrets and key services", () => {
    const attestors = [
      {
        entries: [
          { keys: { publicKeys: "{{ configmap.a.data.b }}" } },
          { keys: { kms: "awskms:///alias/app" } },
          { keys: { secret: { name: "s", namespace: "n" } } },
          keys(),
        ],
      },
    ];
    const plan = engineFor(policy({ entry: { attestors } })).plan({ resource: pod(pinned("key-ecdsa")) });
    const now = plan.lookups
      .filter(({ when }) => when === "now")
      .map(({ kind, subject }) => `${kind} ${subject}`);
    expect(now).toEqual(["configMap kyverno/a", "kmsKey awskms:///alias/app", "secret n/s"]);
    expect(plan.hosts).toContain("cluster");
  });

  test.each([
    ["every rule is skipped", pod("nginx")],
    ["nothing matches", { apiVersion: "v1", kind: "Service", metadata: { name: "x", namespace: "default" } }],
  ])("is empty where %s", (_name, resource) => {
    expect(engineFor(policy()).plan({ resource })).toEqual({ rules: [], lookups: [], hosts: [] });
  });
});
