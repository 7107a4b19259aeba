import { readFileSync } from "node:fs";
import { createEngine, explain, type Verdict } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { contextFromObjects } from "@assay/sources/cluster";
import { registrySource } from "@assay/sources/registry";
import { trustRoots } from "@assay/sources/trust";
import {
  createKey,
  createRegistry,
  createSigstore,
  hostFetch,
  image,
  type Predicate,
  type PushedImage,
  predicate,
  slsa,
  spdx,
  vuln,
} from "@assay/testkit";
import { describe, expect, test } from "vitest";

// The original page's policies, verbatim: read literally, some of what they ask cannot hold for what real producers
// make. The verdict is a denial all the same, and says just what it is.

const key = createKey();
const sigstore = createSigstore();
const registries = ["ghcr.io", "registry.example.com"].map((host) => createRegistry({ host }));
const [ghcr, example] = registries;
const logged = { log: sigstore.rekor } as const;
const release = sigstore.identity({
  subject: "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main",
});
const generatorSubject =
  "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v1.9.0";
const generator = sigstore.identity({ subject: generatorSubject });
const customType = "https://cosign.sigstore.dev/attestation/v1";
const vulnType = "https://cosign.sigstore.dev/attestation/vuln/v1";

/** The page's policy file, with the example's key replaced by this world's. */
function pagePolicy(name: string): string {
  const text = readFileSync(new URL(`../../../../examples/policies/${name}.yaml`, import.meta.url), "utf8");
  const indented = (indent: string): string =>
    key.pem
      .trim()
      .split("\n")
      .map((line) => indent + line)
      .join("\n");
  return text.replaceAll(
    /^( *)-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----$/gm,
    (_pem, indent: string) => indented(indent),
  );
}

async function judge(policy: string, pushed: PushedImage): Promise<Verdict> {
  const file = `${policy}.yaml`;
  const hosts = Object.fromEntries(registries.map((registry) => [registry.host, registry.handle]));
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kyverno", namespace: "kyverno" },
    data: { "cosign-pub": key.pem },
  };
  const engine = createEngine({
    policies: loadPolicies({ text: pagePolicy(policy), file }).policies,
    sources: {
      evidence: registrySource({ fetch: hostFetch(hosts), resolve: async () => ["192.0.2.1"] }),
      trust: trustRoots({ json: sigstore.trustedRoot() }),
      context: contextFromObjects([configMap]),
    },
    clock: sigstore.clock,
    variables: { ORG: "acme" },
  });
  const metadata = { name: "web", namespace: "default" };
  const spec = { containers: [{ name: "app", image: pushed.byDigest }] };
  return (await engine.evaluate({ resource: { apiVersion: "v1", kind: "Pod", metadata, spec } })).verdict;
}

function push(repository: string, predicates: readonly Predicate[]): PushedImage {
  if (example === undefined) throw new Error("two registries were made");
  return image({ repository, tag: "v1" })
    .using(logged)
    .signedBy(key)
    .attested(...predicates)
    .pushTo(example);
}

const flat = (verdict: Verdict): string => explain(verdict).replaceAll(/\s+/g, " ");

describe("verify-image-signature", () => {
  const policy = "verify-image-signature";
  const data = (value: string): Predicate =>
    predicate(customType, { Data: value, Timestamp: "2026-01-15T12:00:00Z" });
  const wanted = "https://github.com/slsa-framework/slsa-github-generator";

  test("its first rule holds for a custom attestation whose Data says so", async () => {
    const verdict = await judge(policy, push("app/custom", [data(JSON.stringify({ buildType: wanted }))]));
    expect(verdict).toMatchObject({ allowed: true, outcome: "pass" });
  });

  test("a buildType as the SLSA generator writes it is longer, and the verdict says by what", async () => {
    const verdict = await judge(
      policy,
      push("app/build-type", [data(JSON.stringify({ buildType: `${wanted}/container@v1` }))]),
    );
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionFalse" }] });
    expect(flat(verdict)).toContain("/container@v1");
  });

  test("provenance under its own type is not the type that the policy asks for", async () => {
    const verdict = await judge(policy, push("app/slsa", [slsa({ version: "0.2" })]));
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "predicateTypeMissing" }] });
    expect(flat(verdict)).toContain("found `https://slsa.dev/provenance/v0.2`");
  });

  test("a custom attestation of something else names the fields that it has", async () => {
    const verdict = await judge(policy, push("app/other", [data("approved by alice")]));
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionUnresolved" }] });
    expect(flat(verdict)).toContain("Data");
    expect(flat(verdict)).toContain("`cosign attest --type custom` wraps the file as text in `Data`");
  });

  test("provenance by the generator is signed by the generator, not by https://github.com/ORG/*", async () => {
    if (ghcr === undefined) throw new Error("two registries were made");
    const provenance = slsa({ version: "0.2", builder: generatorSubject });
    const pushed = image({ repository: "sigstore/app" })
      .signedBy(release)
      .attestedBy(generator, provenance)
      .pushTo(ghcr);
    const verdict = await judge(policy, pushed);
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "identityMismatch" }] });
    expect(flat(verdict)).toContain(
      "provenance by the SLSA generator is signed by the generator's own workflow",
    );
  });

  test("a builder.id ends in the ref that the generator was called by", async () => {
    if (ghcr === undefined) throw new Error("two registries were made");
    const provenance = slsa({ version: "0.2", builder: generatorSubject });
    const pushed = image({ repository: "sigstore/own" }).signedBy(release).attested(provenance).pushTo(ghcr);
    const verdict = await judge(policy, pushed);
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionFalse" }] });
    expect(flat(verdict)).toContain("`@refs/tags/");
  });
});

describe("verify-multiple-attestations", () => {
  const policy = "verify-multiple-attestations";
  const buildType = "https://github.com/slsa-framework/slsa-github-generator";
  const all = (scan: Predicate): readonly Predicate[] => [slsa({ version: "0.2", buildType }), spdx(), scan];

  test("holds for attestations that say what it asks, with a fresh scan", async () => {
    const verdict = await judge(policy, push("prod/fresh", all(vuln({ scanner: "trivy" }))));
    expect(verdict).toMatchObject({ allowed: true, outcome: "pass" });
  });

  test("a scan of the day before yesterday is too old", async () => {
    const verdict = await judge(
      policy,
      push("prod/old", all(vuln({ scanner: "trivy", finishedOn: "2026-01-13T12:00:00Z" }))),
    );
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionFalse" }] });
  });

  test("`cosign attest --type vuln` drops scanner.name, and the verdict says so", async () => {
    const scanner = { uri: "pkg:github/aquasecurity/trivy@0.60.0", version: "0.60.0", db: {}, result: {} };
    const metadata = { scanStartedOn: "2026-01-15T11:00:00Z", scanFinishedOn: "2026-01-15T11:00:00Z" };
    const dropped = predicate(vulnType, { invocation: {}, scanner, metadata });
    const verdict = await judge(policy, push("prod/dropped", all(dropped)));
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionUnresolved" }] });
    expect(flat(verdict)).toContain(
      "`cosign attest --type vuln` keeps only uri, version, db and result of `scanner`",
    );
  });
});
