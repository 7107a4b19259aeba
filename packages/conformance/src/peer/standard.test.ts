import type { JsonObject } from "@assay/policy";
import { createKey } from "@assay/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import {
  generator,
  judge,
  keyed,
  keyless,
  type PeerWorld,
  peerPod,
  peerPolicy,
  peerWorld,
  slsaType,
  trivyType,
  zuluWorkflow,
} from "./peer-world.ts";

// Ported from kyverno/test/conformance/chainsaw/verify-images/clusterpolicy/{standard,cornercases}: each test has its
// original's name; images and keys are made anew.

let world: PeerWorld;
beforeAll(() => {
  world = peerWorld();
});

const references = ["ghcr.io/kyverno/test-verify-image*"];
const entry = (over: JsonObject = {}): JsonObject => ({
  imageReferences: references,
  mutateDigest: true,
  verifyDigest: true,
  required: true,
  attestors: [{ entries: [keyed(world.key.pem)] }],
  ...over,
});
const allowed = async (...args: Parameters<typeof judge>): Promise<boolean> => (await judge(...args)).allowed;

describe("keyed", () => {
  test("keyed-basic", async () => {
    const policy = peerPolicy("keyed-basic-policy", entry());
    expect(await allowed(world, policy, { resource: peerPod([world.images.signed.reference]) })).toBe(true);
    expect(await allowed(world, policy, { resource: peerPod([world.images.unsigned.reference]) })).toBe(
      false,
    );
  });

  test("keyed-basic-namespace-selector", async () => {
    const match = {
      any: [
        {
          resources: {
            kinds: ["Pod"],
            namespaceSelector: { matchExpressions: [{ key: "signed", operator: "In", values: ["true"] }] },
          },
        },
      ],
    };
    const policy = peerPolicy("keyed-basic-ns-selector", entry(), { rule: { match } });
    const resource = peerPod([world.images.unsigned.reference]);
    expect(await allowed(world, policy, { resource, namespaceLabels: { signed: "true" } })).toBe(false);
    expect(await allowed(world, policy, { resource, namespaceLabels: { signed: "false" } })).toBe(true);
  });

  test("keyed-oci11", async () => {
    const policy = peerPolicy("keyed-oci11", entry({ cosignOCI11: true }));
    expect(await allowed(world, policy, { resource: peerPod([world.images.oci11.reference]) })).toBe(true);
  });

  test("keyed-tsa", async () => {
    const ctlog = { ignoreSCT: true, tsaCertChain: world.sigstore.pem.tsaCertChain };
    const attestors = [{ entries: [keyed(world.key.pem, { ctlog })] }];
    const policy = peerPolicy("keyed-tsa", entry({ attestors }));
    expect(await allowed(world, policy, { resource: peerPod([world.images.tsa.reference]) })).toBe(true);
  });

  test("with-mutation: an image that another rule rewrote is verified as it then is", async () => {
    const policy = peerPolicy("with-mutation", entry());
    const mutated = peerPod([world.images.unsigned.reference.replace(":unsigned", ":signed")]);
    const verdict = await judge(world, policy, { resource: mutated });
    expect(verdict.patches).toEqual([
      { op: "replace", path: "/spec/containers/0/image", value: world.images.signed.pinned },
    ]);
  });

  test("multiple-attestors", async () => {
    const attestors = [{ count: 1, entries: [keyed(world.otherKey.pem), keyed(world.key.pem)] }];
    const policy = peerPolicy("multiple-attestors", entry({ attestors }));
    for (const name of ["signed", "signedBySomeoneElse"] as const) {
      expect(await allowed(world, policy, { resource: peerPod([world.images[name].reference]) })).toBe(true);
    }
    expect(await allowed(world, policy, { resource: peerPod([world.images.unsigned.reference]) })).toBe(
      false,
    );
  });
});

describe("key source", () => {
  const secret = (pem: string): JsonObject => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "testsecret", namespace: "test-verify-images" },
    data: { "cosign.pub": Buffer.from(pem).toString("base64") },
  });
  const configMap = (pem: string): JsonObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "keys", namespace: "default" },
    data: { prod: pem },
  });
  const context = [{ name: "keys", configMap: { name: "keys", namespace: "default" } }];
  const fromMap = (): JsonObject => entry({ attestors: [{ entries: [keyed("{{ keys.data.prod }}")] }] });

  test("keyed-secret", async () => {
    const attestors = [{ entries: [keyed("k8s://test-verify-images/testsecret")] }];
    const policy = peerPolicy("keyed-secret", entry({ attestors }));
    const resource = peerPod([world.images.signed.reference]);
    expect(await allowed(world, policy, { resource }, [secret(world.key.pem)])).toBe(true);
    expect(await allowed(world, policy, { resource }, [secret(world.otherKey.pem)])).toBe(false);
  });

  test("configmap-context-lookup", async () => {
    const policy = peerPolicy("configmap-context-lookup", fromMap(), { rule: { context } });
    const good = peerPod([world.images.signed.reference]);
    expect(await allowed(world, policy, { resource: good }, [configMap(world.key.pem)])).toBe(true);
    const bad = peerPod([world.images.signedBySomeoneElse.reference]);
    expect(await allowed(world, policy, { resource: bad }, [configMap(world.key.pem)])).toBe(false);
  });

  test("noconfigmap-diffimage-success", async () => {
    const policy = peerPolicy("noconfigmap-diffimage", fromMap(), { rule: { context } });
    expect(await allowed(world, policy, { resource: peerPod(["nginx"]) })).toBe(true);
    expect(await allowed(world, policy, { resource: peerPod([world.images.signed.reference]) })).toBe(false);
  });

  test.each([
    [
      "failure-policy-test-noconfigmap-diffimage-success",
      { webhookConfiguration: { failurePolicy: "Ignore" } },
    ],
    ["failure-policy-test-noconfigmap-diffimage-success-deprecated", { failurePolicy: "Ignore" }],
  ])("%s", async (name, spec) => {
    const entry = { ...fromMap(), mutateDigest: false, verifyDigest: false, failureAction: "Audit" };
    const policy = peerPolicy(name, entry, { spec, rule: { context } });
    const verdict = await judge(world, policy, { resource: peerPod([world.images.signed.reference]) });
    expect(verdict).toMatchObject({ allowed: true, outcome: "error" });
  });
});

describe("keyless identity", () => {
  const bad = (): JsonObject => keyless({ subject: "nobody" });
  const good = (): JsonObject => keyless({ subject: zuluWorkflow });
  const zulu = { imageReferences: ["ghcr.io/chipzoller/zulu*"] };

  test("keyless-image-invalid-attestor", async () => {
    const attestors = [{ count: 1, entries: [bad(), good()] }];
    const policy = peerPolicy("keyless-image-invalid-attestor", entry({ ...zulu, attestors }));
    expect(await allowed(world, policy, { resource: peerPod([world.images.zulu.reference]) })).toBe(true);
  });

  test("keyless-attestation-invalid-attestor", async () => {
    const attestations = [{ type: trivyType, attestors: [{ count: 1, entries: [bad(), good()] }] }];
    const policy = peerPolicy("keyless-attestation-invalid-attestor", { ...zulu, attestations });
    expect(await allowed(world, policy, { resource: peerPod([world.images.zulu.reference]) })).toBe(true);
  });

  test("keyless-attestation-regexp", async () => {
    const by = (subjectRegExp: string): JsonObject =>
      keyless({ subjectRegExp, issuerRegExp: "https://token\\.actions.+" });
    const policy = (subject: string): JsonObject =>
      peerPolicy("keyless-attestation-regexp", {
        ...zulu,
        attestations: [{ type: trivyType, attestors: [{ entries: [by(subject)] }] }],
      });
    const resource = peerPod([world.images.zulu.reference]);
    expect(await allowed(world, policy("https://github\\.com/chipzoller/zulu/.+"), { resource })).toBe(true);
    expect(await allowed(world, policy("^https://github\\.com/someone-else/.+"), { resource })).toBe(false);
  });
});

describe("attestation matrix", () => {
  const attested = (attestations: readonly JsonObject[]): JsonObject =>
    peerPolicy("multiple-subjects", { imageReferences: ["ghcr.io/chipzoller/zulu*"], attestations });
  const by = (subject: string): JsonObject => keyless({ subject });
  const provenance = (...subjects: readonly string[]): JsonObject => ({
    type: slsaType,
    attestors: [{ entries: subjects.map(by) }],
  });
  const scan = (...subjects: readonly string[]): JsonObject => ({
    type: trivyType,
    attestors: [{ entries: subjects.map(by) }],
  });
  const judgeZulu = (attestations: readonly JsonObject[]): Promise<boolean> =>
    allowed(world, attested(attestations), { resource: peerPod([world.images.zulu.reference]) });

  test("keyless-attestations-multiple-subjects-1: both types, each by its subject", async () => {
    expect(await judgeZulu([provenance(generator), scan(zuluWorkflow)])).toBe(true);
  });

  test("keyless-attestations-multiple-subjects-2: one of the types", async () => {
    expect(await judgeZulu([scan(zuluWorkflow)])).toBe(true);
    expect(await judgeZulu([provenance(generator)])).toBe(true);
  });

  test("keyless-attestations-multiple-subjects-3: the other type's subject", async () => {
    expect(await judgeZulu([provenance(zuluWorkflow)])).toBe(false);
    expect(await judgeZulu([scan(generator)])).toBe(false);
  });

  test("keyless-attestations-multiple-subjects-4: no attestors: Kyverno takes anybody's, here it is no policy", async () => {
    await expect(judgeZulu([{ type: slsaType }])).rejects.toMatchObject({ code: "invalidPolicy" });
  });

  test.each([
    ["keyless-attestations-multiple-subjects-counts-1", 1, true],
    ["keyless-attestations-multiple-subjects-counts-2", 2, false],
    ["keyless-attestations-multiple-subjects-counts-3", undefined, false],
  ])("%s", async (_name, count, expected) => {
    const set = { ...(count === undefined ? {} : { count }), entries: [by("nobody"), by(generator)] };
    expect(await judgeZulu([{ type: slsaType, attestors: [set] }])).toBe(expected);
  });
});

describe("sigstore bundle", () => {
  const bundles = (over: JsonObject): JsonObject =>
    peerPolicy("sigstore-bundle", {
      type: "SigstoreBundle",
      imageReferences: ["ghcr.io/*/artifact-attestation-example*"],
      ...over,
    });
  const buildType = (value: string): JsonObject => ({
    conditions: [{ all: [{ key: "{{ buildDefinition.buildType }}", operator: "Equals", value }] }],
  });
  const attested = (identity: JsonObject, value: string): JsonObject =>
    bundles({
      attestations: [
        {
          type: "https://slsa.dev/provenance/v1",
          attestors: [{ entries: [keyless(identity)] }],
          ...buildType(value),
        },
      ],
    });
  const workflow = "https://actions.github.io/buildtypes/workflow/v1";

  test("sigstore-image-verification-test", async () => {
    const resource = peerPod([world.images.bundle.reference]);
    const policy = (subject: string): JsonObject =>
      bundles({ attestors: [{ entries: [keyless({ subject })] }] });
    expect(await allowed(world, policy(zuluWorkflow), { resource })).toBe(true);
    expect(await allowed(world, policy("nobody"), { resource })).toBe(false);
  });

  test("sigstore-attestation-verification-test", async () => {
    const resource = peerPod([world.images.bundleAttested.reference]);
    expect(await allowed(world, attested({ subject: zuluWorkflow }, workflow), { resource })).toBe(true);
    expect(await allowed(world, attested({ subject: zuluWorkflow }, "other"), { resource })).toBe(false);
  });

  test("sigstore-attestation-verification-test-regexp", async () => {
    const resource = peerPod([world.images.bundleAttested.reference]);
    const identity = {
      subjectRegExp: "^https://github\\.com/chipzoller/.+",
      issuerRegExp: "^https://token\\.actions\\.githubusercontent\\.com$",
    };
    expect(await allowed(world, attested(identity, workflow), { resource })).toBe(true);
  });
});

test("a key that nobody used verifies nothing", async () => {
  const attestors = [{ entries: [keyed(createKey().pem)] }];
  const resource = peerPod([world.images.signed.reference]);
  expect(await allowed(world, peerPolicy("nobody", entry({ attestors })), { resource })).toBe(false);
});
