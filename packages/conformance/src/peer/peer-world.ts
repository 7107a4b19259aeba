import { createEngine, type EvaluationRequest, type Verdict } from "@assay/engine";
import { type JsonObject, loadPolicies } from "@assay/policy";
import { contextFromObjects } from "@assay/sources/cluster";
import { registrySource } from "@assay/sources/registry";
import { trustRoots } from "@assay/sources/trust";
import {
  createKey,
  createRegistry,
  createSigstore,
  image,
  type PushedImage,
  predicate,
  type Registry,
  type SigningKey,
  type Sigstore,
  slsa,
} from "@assay/testkit";

// The images that Kyverno's end-to-end tests depend on, made anew with keys of our own: the same names and roles.

export const trivyType = "https://trivy.aquasec.com/scan/v2";
export const slsaType = "https://slsa.dev/provenance/v0.2";
export const generator =
  "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v1.9.0";
export const zuluWorkflow =
  "https://github.com/chipzoller/zulu/.github/workflows/slsa-generic-keyless.yaml@refs/tags/v0.0.14";
const githubIssuer = "https://token.actions.githubusercontent.com";

/** The peers' registry, signers and images. */
export interface PeerWorld {
  readonly registry: Registry;
  readonly key: SigningKey;
  readonly otherKey: SigningKey;
  readonly sigstore: Sigstore;
  readonly images: Readonly<Record<PeerImage, PushedImage>>;
}

type PeerImage =
  | "signed"
  | "unsigned"
  | "signedBySomeoneElse"
  | "signedKeyless"
  | "oci11"
  | "tsa"
  | "rollback1"
  | "rollback2"
  | "zulu"
  | "bundle"
  | "bundleAttested";

/** Makes the peers' world. */
export function peerWorld(): PeerWorld {
  const registry = createRegistry({ host: "ghcr.io" });
  const key = createKey();
  const otherKey = createKey();
  const sigstore = createSigstore();
  const workflow = sigstore.identity({ subject: zuluWorkflow, issuer: githubIssuer });
  const builder = sigstore.identity({ subject: generator, issuer: githubIssuer });
  const test = (tag: string) => image({ repository: "kyverno/test-verify-image", tag });
  const rollback = (tag: string) => image({ repository: "kyverno/test-verify-image-rollback", tag });
  const bundles = { format: "bundle-v0.3" } as const;
  const artifact = (tag: string) => image({ repository: "vishal-chdhry/artifact-attestation-example", tag });
  const built = slsa({
    version: "0.2",
    builder: generator,
    buildType: "https://github.com/slsa-framework/slsa-github-generator/container@v1",
  });
  const images = {
    signed: test("signed").signedBy(key),
    unsigned: test("unsigned"),
    signedBySomeoneElse: test("signed-by-someone-else").signedBy(otherKey),
    signedKeyless: test("signed-keyless").signedBy(workflow),
    oci11: test("cosign-oci11").using({ format: "oci11" }).signedBy(key),
    tsa: test("tsa").using({ timestampAuthority: sigstore.timestampAuthority, log: false }).signedBy(key),
    rollback1: rollback("signed-1").signedBy(key),
    rollback2: rollback("signed-2").signedBy(key),
    zulu: image({ repository: "chipzoller/zulu", tag: "v0.0.14" })
      .signedBy(workflow)
      .attestedBy(builder, built)
      .attestedBy(workflow, predicate(trivyType, { SchemaVersion: 2, Results: [{ Vulnerabilities: [] }] })),
    bundle: artifact("signed").using(bundles).signedBy(workflow),
    bundleAttested: artifact("artifact-attestation")
      .using(bundles)
      .signedBy(workflow)
      .attested(slsa({ buildType: "https://actions.github.io/buildtypes/workflow/v1" })),
  };
  const pushed = Object.entries(images).map(([name, one]) => [name, one.pushTo(registry)] as const);
  return { registry, key, otherKey, sigstore, images: Object.fromEntries(pushed) as PeerWorld["images"] };
}

/** Attestors of the peers' policies. */
export function keyed(pem: string, more: JsonObject = {}): JsonObject {
  return {
    keys: {
      publicKeys: pem,
      rekor: { ignoreTlog: true, url: "https://rekor.sigstore.dev" },
      ctlog: { ignoreSCT: true },
      ...more,
    },
  };
}

/** A keyless attestor with the world's own roots from the trusted root. */
export function keyless(identity: JsonObject): JsonObject {
  return { keyless: { issuer: githubIssuer, ...identity, rekor: { url: "https://rekor.sigstore.dev" } } };
}

/** A ClusterPolicy with one rule. */
export function peerPolicy(
  name: string,
  entry: JsonObject | readonly JsonObject[],
  more: { readonly spec?: JsonObject; readonly rule?: JsonObject } = {},
): JsonObject {
  const rule = {
    name: "verify-image",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: Array.isArray(entry) ? entry : [entry],
    ...more.rule,
  };
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name },
    spec: { validationFailureAction: "Enforce", ...more.spec, rules: [rule] },
  };
}

/** A Pod with these images. */
export function peerPod(images: readonly string[], over: JsonObject = {}): JsonObject {
  const containers = images.map((text, index) => ({ name: `container-${index}`, image: text }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "test-pod", namespace: "default" },
    spec: { containers },
    ...over,
  };
}

/** Judges a request by policies over the peers' registry; `objects` are ConfigMaps and Secrets of the cluster. */
export async function judge(
  world: PeerWorld,
  policies: JsonObject | readonly JsonObject[],
  request: EvaluationRequest,
  objects: readonly JsonObject[] = [],
): Promise<Verdict> {
  const documents: readonly JsonObject[] = Array.isArray(policies) ? policies : [policies as JsonObject];
  const loaded = loadPolicies(
    documents.map((document, index) => ({ text: JSON.stringify(document), file: `${index}.json` })),
  );
  const engine = createEngine({
    policies: loaded.policies,
    exceptions: loaded.exceptions,
    clock: world.sigstore.clock,
    sources: {
      evidence: registrySource({ fetch: world.registry.fetch, resolve: async () => ["192.0.2.1"] }),
      trust: trustRoots({ json: world.sigstore.trustedRoot() }),
      context: contextFromObjects(objects),
    },
  });
  return (await engine.evaluate(request)).verdict;
}
