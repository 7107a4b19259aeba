import { type JsonObject, loadPolicies, PolicyError } from "@assay/policy";
import { image, predicate } from "@assay/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import {
  judge,
  keyed,
  keyless,
  type PeerWorld,
  peerPod,
  peerPolicy,
  peerWorld,
  zuluWorkflow,
} from "./peer-world.ts";

// Ported from kyverno/test/conformance/chainsaw/verify-images/clusterpolicy, …/validate, …/policy-validation and
// kyverno/test/cli/test/images: each test has its original's name; images and keys are made anew.

let world: PeerWorld;
beforeAll(() => {
  world = peerWorld();
});

const entry = (over: JsonObject = {}): JsonObject => ({
  imageReferences: ["ghcr.io/kyverno/test-verify-image*"],
  attestors: [{ entries: [keyed(world.key.pem)] }],
  ...over,
});
const allowed = async (...args: Parameters<typeof judge>): Promise<boolean> => (await judge(...args)).allowed;

describe("digest flags", () => {
  const flags = (mutateDigest: boolean, verifyDigest: boolean, required: boolean): JsonObject =>
    peerPolicy("digest-flags", entry({ mutateDigest, verifyDigest, required }));

  test.each([
    ["keyless-mutatedigest-verifydigest-required", true, true, true, true, true],
    ["keyless-nomutatedigest-noverifydigest-required", false, false, true, true, false],
    ["keyless-nomutatedigest-noverifydigest-norequired", false, false, false, true, false],
    ["mutateDigest-noverifyDigest-norequired", true, false, false, true, true],
    ["nomutateDigest-verifyDigest-norequired", false, true, false, false, false],
  ])("%s", async (_name, mutateDigest, verifyDigest, required, expected, patched) => {
    const { signed } = world.images;
    const verdict = await judge(world, flags(mutateDigest, verifyDigest, required), {
      resource: peerPod([signed.reference]),
    });
    expect(verdict.allowed).toBe(expected);
    expect(verdict.patches.map(({ value }) => value)).toEqual(patched ? [signed.pinned] : []);
  });
});

describe("cross-attestation", () => {
  const trivy = "trivy/vulnerability";
  const vex = "application/vnd.cyclonedx+json";
  const found = (...ids: readonly string[]) =>
    predicate(trivy, { Vulnerabilities: ids.map((VulnerabilityID) => ({ VulnerabilityID })) });
  const excused = (...ids: readonly string[]) =>
    predicate(vex, { vulnerabilities: ids.map((id) => ({ id })) });
  const policy = (): JsonObject =>
    peerPolicy(
      "trivy-vex",
      entry({
        imageReferences: ["ghcr.io/kyverno/trivy-vex*"],
        attestations: [
          { type: trivy, name: "trivy" },
          { type: vex, name: "vex" },
        ],
        validate: {
          message: "All vulnerabilities in trivy and vex should be same",
          deny: {
            conditions: {
              any: [
                {
                  key: "{{ trivy.Vulnerabilities[*].VulnerabilityID }}",
                  operator: "AnyNotIn",
                  value: "{{ vex.vulnerabilities[*].id }}",
                },
              ],
            },
          },
        },
      }),
    );

  test.each([
    [
      "multiple-image-verification-attestations-trivy-vex-pass",
      ["CVE-1", "CVE-2"],
      ["CVE-1", "CVE-2", "CVE-3"],
      true,
    ],
    [
      "multiple-image-verification-attestations-trivy-vex-fail",
      ["CVE-1", "CVE-4"],
      ["CVE-1", "CVE-2"],
      false,
    ],
  ])("%s", async (name, vulnerabilities, excuses, expected) => {
    const pushed = image({ repository: "kyverno/trivy-vex", tag: name.slice(-4) })
      .signedBy(world.key)
      .attested(found(...vulnerabilities), excused(...excuses))
      .pushTo(world.registry);
    const verdict = await judge(world, policy(), { resource: peerPod([pushed.reference]) });
    expect(verdict.allowed).toBe(expected);
    if (!expected)
      expect(verdict.results[0]?.message).toContain("All vulnerabilities in trivy and vex should be same");
  });

  test.each([
    ["multiple-image-verification-attestations-pass", "approved", true],
    ["multiple-image-verification-attestations-fail", "refused", false],
  ])("%s", async (name, value, expected) => {
    const pushed = image({ repository: "kyverno/many", tag: value })
      .signedBy(world.key)
      .attested(
        predicate("https://example.com/one", { state: "approved" }),
        predicate("https://example.com/two", { state: value }),
      )
      .pushTo(world.registry);
    const attestations = ["one", "two"].map((type) => ({
      type: `https://example.com/${type}`,
      conditions: [{ all: [{ key: "{{ state }}", operator: "Equals", value: "approved" }] }],
    }));
    const document = peerPolicy(name, entry({ imageReferences: ["ghcr.io/kyverno/many*"], attestations }));
    expect(await allowed(world, document, { resource: peerPod([pushed.reference]) })).toBe(expected);
  });
});

describe("extraction", () => {
  const task = (steps: readonly JsonObject[]): JsonObject => ({
    apiVersion: "tekton.dev/v1beta1",
    kind: "Task",
    metadata: { name: "example", namespace: "default" },
    spec: { steps },
  });
  const rule = (extractors: JsonObject | undefined): JsonObject => ({
    match: { any: [{ resources: { kinds: ["tekton.dev/v1beta1/Task"] } }] },
    ...(extractors === undefined ? {} : { imageExtractors: extractors }),
  });
  const policy = (extractors: JsonObject | undefined): JsonObject =>
    peerPolicy("tasks", entry(), { rule: rule(extractors) });
  const steps = (name: "signed" | "unsigned"): readonly JsonObject[] => [
    { name: "one", image: world.images.signed.reference },
    { name: "two", image: world.images[name].reference },
  ];

  test.each([
    ["imageExtractors-simple", { Task: [{ path: "/spec/steps/*/image" }] }],
    [
      "imageExtractors-complex",
      { Task: [{ name: "steps", path: "/spec/steps/*", value: "image", key: "name" }] },
    ],
  ])("%s", async (_name, extractors) => {
    expect(await allowed(world, policy(extractors), { resource: task(steps("signed")) })).toBe(true);
    expect(await allowed(world, policy(extractors), { resource: task(steps("unsigned")) })).toBe(false);
  });

  test("imageExtractors-complex-keyless", async () => {
    const attestors = [{ entries: [keyless({ subject: zuluWorkflow })] }];
    const extractors = { Task: [{ name: "steps", path: "/spec/steps/*", value: "image", key: "name" }] };
    const document = peerPolicy("tasks", entry({ attestors }), { rule: rule(extractors) });
    const signed = task([{ name: "one", image: world.images.signedKeyless.reference }]);
    expect(await allowed(world, document, { resource: signed })).toBe(true);
    expect(await allowed(world, document, { resource: task(steps("signed")) })).toBe(false);
  });

  test("imageExtractors-none", async () => {
    expect(await allowed(world, policy(undefined), { resource: task(steps("unsigned")) })).toBe(true);
  });

  test("empty-image", async () => {
    const resource = peerPod([""]);
    expect(
      await allowed(world, peerPolicy("empty-image", entry({ imageReferences: ["*"] })), { resource }),
    ).toBe(true);
  });
});

test("skip-image-reference", async () => {
  const policy = peerPolicy(
    "skip-image-reference",
    entry({ imageReferences: ["ghcr.io/*"], skipImageReferences: ["ghcr.io/kyverno*"] }),
  );
  expect(await allowed(world, policy, { resource: peerPod([world.images.unsigned.reference]) })).toBe(true);
  expect(await allowed(world, policy, { resource: peerPod([world.images.zulu.reference]) })).toBe(false);
});

describe("update", () => {
  test("update-multi-containers (#7651)", async () => {
    const policy = peerPolicy("update-multi-containers", entry({ imageReferences: ["*"] }));
    const { signed, rollback1, unsigned } = world.images;
    const before = peerPod([signed.pinned, rollback1.pinned]);
    const after = peerPod([signed.pinned, world.images.rollback2.reference]);
    const verdict = await judge(world, policy, { operation: "UPDATE", resource: after, oldResource: before });
    expect(verdict).toMatchObject({ allowed: true, patches: [{ path: "/spec/containers/1/image" }] });
    const bad = peerPod([signed.pinned, unsigned.reference]);
    expect(await allowed(world, policy, { operation: "UPDATE", resource: bad, oldResource: before })).toBe(
      false,
    );
  });

  test("rollback-image-verification (#5363)", async () => {
    const policy = peerPolicy("rollback", entry());
    const [one, two] = [world.images.rollback1, world.images.rollback2].map(({ pinned }) =>
      peerPod([pinned]),
    );
    for (const [resource, oldResource] of [
      [two, one],
      [one, two],
    ]) {
      if (resource === undefined || oldResource === undefined) throw new Error("two images were made");
      expect(await allowed(world, policy, { operation: "UPDATE", resource, oldResource })).toBe(true);
    }
  });
});

describe("reports", () => {
  const existing = { mutate: false } as const;
  test("verify-image-background-basic, reports/background/verify-image-{pass,fail}: what runs is judged as it is", async () => {
    const policy = peerPolicy("background", entry());
    const good = await judge(world, policy, {
      resource: peerPod([world.images.signed.byDigest]),
      ...existing,
    });
    expect(good.results).toMatchObject([{ outcome: "pass", rule: "verify-image" }]);
    const bad = await judge(world, policy, {
      resource: peerPod([world.images.unsigned.byDigest]),
      ...existing,
    });
    expect(bad.results).toMatchObject([{ outcome: "fail", rule: "verify-image" }]);
  });

  test("verify-image-background-audit", async () => {
    const policy = peerPolicy("audit", entry({ mutateDigest: false, verifyDigest: false }), {
      spec: { validationFailureAction: "Audit" },
    });
    const verdict = await judge(world, policy, {
      resource: peerPod([world.images.unsigned.reference]),
      ...existing,
    });
    expect(verdict).toMatchObject({ allowed: true, results: [{ outcome: "fail", failureAction: "Audit" }] });
  });

  test("verify-image-background-existing: annotations of an earlier admission change nothing", async () => {
    const policy = peerPolicy("existing", entry());
    const { byDigest } = world.images.unsigned;
    const annotations = { "kyverno.io/verify-images": JSON.stringify({ [byDigest]: "pass" }) };
    const resource = peerPod([byDigest], {
      metadata: { name: "test-pod", namespace: "default", annotations },
    });
    expect(await allowed(world, policy, { resource, ...existing })).toBe(false);
  });
});

describe("policy validation", () => {
  const refuse = (document: JsonObject): void => {
    expect(() => loadPolicies(JSON.stringify(document))).toThrow(PolicyError);
  };

  test("block-verifyimage: kind * is refused", () => {
    refuse(peerPolicy("wildcard", entry(), { rule: { match: { any: [{ resources: { kinds: ["*"] } }] } } }));
    refuse(peerPolicy("wildcard", entry(), { rule: { match: { resources: { kinds: ["*"] } } } }));
  });

  test("admission-disabled", () => {
    refuse(peerPolicy("admission-disabled", entry(), { spec: { admission: false } }));
  });
});

describe("command line tests", () => {
  test("images/digest", async () => {
    const policy = peerPolicy("require-image-digest", {
      imageReferences: ["*"],
      verifyDigest: true,
      required: false,
      mutateDigest: false,
    });
    expect(await allowed(world, policy, { resource: peerPod(["nginx:latest"]) })).toBe(false);
    const digest = "sha256:b31bfb4d0213f254d361e0079deaaebefa4f82ba7aa76ef82e90b4935ad5b105";
    expect(await allowed(world, policy, { resource: peerPod([`nginx:latest@${digest}`]) })).toBe(true);
    expect(world.registry.requests.filter(({ path }) => path.includes("nginx"))).toEqual([]);
  });

  test("images/signatures, images/verify-signature", async () => {
    const policy = peerPolicy("verify-signature", entry());
    expect(await allowed(world, policy, { resource: peerPod([world.images.signed.reference]) })).toBe(true);
    for (const name of ["unsigned", "signedBySomeoneElse"] as const) {
      expect(await allowed(world, policy, { resource: peerPod([world.images[name].reference]) })).toBe(false);
    }
  });

  test("images/secure-images: no attestor, but required", async () => {
    const policy = peerPolicy("secure-images", {
      imageReferences: ["ghcr.io/kyverno/*"],
      required: true,
      verifyDigest: false,
      mutateDigest: false,
    });
    const verdict = await judge(world, policy, { resource: peerPod([world.images.signed.reference]) });
    expect(verdict.results).toMatchObject([{ outcome: "fail", code: "unverifiedImage" }]);
  });

  test("images/secure-images: a DataVolume whose image has a scheme in front", async () => {
    const extractors = {
      DataVolume: [{ path: "/spec/source/registry/url", jmesPath: "trim_prefix(@, 'docker://')" }],
    };
    const rule = { match: { any: [{ resources: { kinds: ["DataVolume"] } }] }, imageExtractors: extractors };
    const policy = peerPolicy("datavolume", entry({ mutateDigest: false, verifyDigest: false }), { rule });
    const volume = (reference: string): JsonObject => ({
      apiVersion: "cdi.kubevirt.io/v1beta1",
      kind: "DataVolume",
      metadata: { name: "registry-image-datavolume", namespace: "default" },
      spec: { source: { registry: { url: `docker://${reference}` } } },
    });
    expect(await allowed(world, policy, { resource: volume(world.images.signed.reference) })).toBe(true);
    expect(await allowed(world, policy, { resource: volume(world.images.unsigned.reference) })).toBe(false);
  });
});

// pkg/engine/image_verify_test.go
describe("engine tests", () => {
  test("Test_NestedAttestors", async () => {
    const other = (): JsonObject => keyed(world.otherKey.pem);
    const own = (): JsonObject => keyed(world.key.pem);
    const nest = (entries: readonly JsonObject[], count?: number): JsonObject => ({
      attestor: { ...(count === undefined ? {} : { count }), entries },
    });
    const table: readonly (readonly [readonly JsonObject[], number | undefined, boolean])[] = [
      [[own()], undefined, true],
      [[nest([own()])], undefined, true],
      [[nest([own(), other()])], undefined, false],
      [[nest([own(), other()], 1)], undefined, true],
      [[own(), nest([other()])], undefined, false],
      [[own(), nest([other()])], 1, true],
      [[nest([nest([own()], 1), other()], 1)], 1, true],
    ];
    for (const [entries, count, expected] of table) {
      const attestors = [{ ...(count === undefined ? {} : { count }), entries }];
      const policy = peerPolicy("nested", entry({ attestors }));
      expect(await allowed(world, policy, { resource: peerPod([world.images.signed.reference]) })).toBe(
        expected,
      );
    }
  });

  test("Test_ExpandKeys: several PEMs in one entry are several entries", async () => {
    const both = `${world.otherKey.pem.trim()}\n${world.key.pem.trim()}`;
    const set = (count: number | undefined): readonly JsonObject[] => [
      { ...(count === undefined ? {} : { count }), entries: [keyed(both)] },
    ];
    const resource = peerPod([world.images.signed.reference]);
    expect(await allowed(world, peerPolicy("one-of", entry({ attestors: set(1) })), { resource })).toBe(true);
    expect(
      await allowed(world, peerPolicy("all-of", entry({ attestors: set(undefined) })), { resource }),
    ).toBe(false);
  });

  test("Test_CosignMockAttest, Test_CosignMockAttest_fail", async () => {
    const pushed = image({ repository: "kyverno/mock-attest", tag: "v1" })
      .signedBy(world.key)
      .attested(
        predicate("https://example.com/CodeReview/v1", {
          author: "mailto:alice@example.com",
          repo: { branch: "main", type: "git", uri: "https://github.com/example/my-project" },
        }),
      )
      .pushTo(world.registry);
    const policy = (uri: string): JsonObject =>
      peerPolicy(
        "attest",
        entry({
          imageReferences: ["ghcr.io/kyverno/mock-attest*"],
          attestations: [
            {
              predicateType: "https://example.com/CodeReview/v1",
              conditions: [
                {
                  all: [
                    { key: "{{ repo.uri }}", operator: "Equals", value: uri },
                    { key: "{{ repo.branch }}", operator: "Equals", value: "main" },
                  ],
                },
              ],
            },
          ],
        }),
      );
    const resource = peerPod([pushed.reference]);
    expect(await allowed(world, policy("https://github.com/example/my-project"), { resource })).toBe(true);
    expect(await allowed(world, policy("https://github.com/example/another-project"), { resource })).toBe(
      false,
    );
  });

  test("Test_SignatureGoodSigned: the digest that was verified is the one that is patched in", async () => {
    const { signed } = world.images;
    const verdict = await judge(world, peerPolicy("good", entry()), {
      resource: peerPod([signed.reference]),
    });
    expect(verdict.patches).toEqual([
      { op: "replace", path: "/spec/containers/0/image", value: `${signed.reference}@${signed.digest}` },
    ]);
  });

  test("Test_SkipImageReferences", async () => {
    const policy = peerPolicy(
      "skip",
      entry({
        imageReferences: ["ghcr.io/*"],
        skipImageReferences: ["ghcr.io/kyverno/test-verify-image:unsigned"],
      }),
    );
    const verdict = await judge(world, policy, { resource: peerPod([world.images.unsigned.reference]) });
    expect(verdict.results).toMatchObject([{ outcome: "skip", code: "skippedImage" }]);
  });
});
