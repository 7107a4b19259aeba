import { contextFromObjects } from "@assay/sources/cluster";
import {
  createAuthority,
  createKey,
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
  type Registry,
  type SignedArtifact,
  type Signer,
  type SigningKey,
  type Sigstore,
  slsa,
  type TestImage,
  vuln,
} from "@assay/testkit";
import fc from "fast-check";
import type { Assay, AssayOptions, JsonObject, Verdict } from "../src/index.ts";

/** Milliseconds. */
export const minute = 60_000;
export const frozen: number = Date.parse(FROZEN_TIME);
export const first: SigningKey = createKey();
export const second: SigningKey = createKey("ed25519");
export const here: Sigstore = createSigstore();
export const there: Sigstore = createSigstore();
const workflow = here.identity();
const pki = createAuthority();
export const employee: Signer = pki.certify(createKey("rsa2048"), {
  alternativeNames: [{ kind: "email", value: "a@acme.example" }],
});

/** Everything that may come to hang on one image, each by itself. */
function evidenceFor(bare: TestImage): readonly SignedArtifact[] {
  const ops = here.identity({ subject: "ops@acme.example", issuer: "https://accounts.example" });
  const { rekor, rekorV2, timestampAuthority } = here;
  const bundled = bare.using({ format: "bundle-v0.3" });
  const scannedAgo = (minutes: number) =>
    vuln({ finishedOn: new Date(frozen - minutes * minute).toISOString() });
  const statements = [slsa(), slsa({ builder: "https://other.example" }), scannedAgo(90), scannedAgo(30)];
  return [
    ...[first, second, employee, workflow, ops, there.identity()].flatMap((signer) => [
      bare.signedBy(signer),
      bundled.signedBy(signer),
    ]),
    ...[first, second].map((signer) => bare.signedBy(signer, { log: rekor })),
    bundled.signedBy(workflow, { log: rekorV2, timestampAuthority }),
    bare.signedBy(employee, { timestampAuthority }),
    ...[first, second, workflow].flatMap((signer) =>
      statements.flatMap((one) => [bare.attestedBy(signer, one), bundled.attestedBy(signer, one)]),
    ),
  ].flatMap(({ artifacts }) => artifacts);
}

interface WorldImage {
  readonly bare: TestImage;
  readonly hidden: TestImage;
  readonly evidence: readonly SignedArtifact[];
}

/** Images, what may hang on each, and a name by which that is pushed. */
export const images: readonly WorldImage[] = ["acme/a", "acme/b"].flatMap((repository) =>
  ["one", "two"].map((content) => {
    const bare = image({ repository, content });
    // Evidence comes to an image without moving a tag that is judged.
    const hidden = image({ repository, content, tag: `hidden-${content}` });
    return { bare, hidden, evidence: evidenceFor(bare) };
  }),
);

const [ignoreTlog, ignoreSCT] = [{ ignoreTlog: true }, { ignoreSCT: true }];
const rekor = { url: "https://rekor.example" };
const unlogged: JsonObject = { rekor: { ...rekor, ...ignoreTlog }, ctlog: ignoreSCT };
const byWorkflow = {
  subject: "https://github.com/acme/*",
  issuer: "https://token.actions.githubusercontent.com",
  rekor,
};

/** Whose certificates of the own PKI may sign, at whatever time is known of. */
export const ofOurs: JsonObject = { certificates: { certChain: pki.pem, ...unlogged } };

export const attestors: readonly JsonObject[] = [
  { keys: { publicKeys: first.pem, ...unlogged } },
  { keys: { publicKeys: second.pem, ...unlogged } },
  { keys: { publicKeys: first.pem } },
  { keys: { publicKeys: first.pem, rekor: { pubkey: there.pem.rekor }, ctlog: ignoreSCT } },
  { keys: { publicKeys: "{{ keys.data.pem }}", ...unlogged } },
  ofOurs,
  { keyless: byWorkflow },
  { keyless: { ...byWorkflow, roots: there.pem.roots } },
  { keyless: { subject: "ops@acme.example", issuer: "https://accounts.example", rekor } },
];

const provenance = "https://slsa.dev/provenance/v1";
const scan = "https://cosign.sigstore.dev/attestation/vuln/v1";
function where(type: string, key: string, operator: string, value: string): JsonObject {
  return { type, conditions: [{ all: [{ key, operator, value }] }] };
}
export const attestations: readonly JsonObject[] = [
  { type: provenance },
  { type: scan, quantifier: "any" },
  where(provenance, "{{ runDetails.builder.id }}", "Equals", "{{ keys.data.builder }}"),
  where(scan, "{{ time_since('', metadata.scanFinishedOn, '') }}", "LessThan", "1h"),
];

/** An entry of `verifyImages`. */
export const anEntry: fc.Arbitrary<JsonObject> = fc
  .record({
    entries: fc.subarray([...attestors], { minLength: 1, maxLength: 3 }),
    isThreshold: fc.boolean(),
    attestations: fc.oneof(fc.constant([]), fc.subarray([...attestations], { maxLength: 2 })),
    type: fc.constantFrom(undefined, undefined, "Cosign", "SigstoreBundle"),
    about: fc.constantFrom("*", "registry.test/acme/a*"),
    mutateDigest: fc.constantFrom(true, true, false),
  })
  .map(({ entries, isThreshold, about, ...more }) =>
    JSON.parse(
      JSON.stringify({
        imageReferences: [about],
        failureAction: "Enforce",
        attestors: [{ entries, count: isThreshold ? 1 : undefined }],
        ...more,
      }),
    ),
  );

/** One policy of these entries. */
export function policyOf(entries: readonly JsonObject[]): string {
  const rule = {
    name: "r",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    context: [{ name: "keys", configMap: { name: "keys", namespace: "policy" } }],
    verifyImages: entries,
  };
  const metadata = { name: "p" };
  return JSON.stringify({
    ...{ apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata, spec: { rules: [rule] } },
  });
}

/** Registries that hold the same, a clock, a trust root and a ConfigMap, which change. */
export class World {
  /** The one that `options` read. */
  readonly registry: Registry;
  readonly options: Omit<AssayOptions, "policies">;
  now: number = frozen;
  trust: string = here.trustedRoot();
  data: JsonObject = { pem: first.pem, builder: "https://builder.example/v1" };
  readonly #registries: readonly Registry[];
  readonly #hung = images.map(() => new Set<SignedArtifact>());

  constructor(registry: Registry = createRegistry(), ...others: readonly Registry[]) {
    this.registry = registry;
    this.#registries = [registry, ...others];
    for (const { bare } of images) this.#push(bare);
    this.options = {
      registry: { fetch: registry.fetch, credentials: [] },
      clock: () => new Date(this.now),
      trust: { fetch: async () => ({ ok: true, value: { json: this.trust } }) },
      context: { fetch: (lookup, how) => contextFromObjects([this.#configMap()]).fetch(lookup, how) },
    };
  }

  /** Moves the repository's tag to this image. */
  tag(index: number): void {
    const of = images[index];
    if (of !== undefined) this.#push(of.bare);
  }

  hang(index: number, choice: readonly number[]): void {
    const [of, hung] = [images[index], this.#hung[index]];
    for (const each of choice) {
      const artifact = of?.evidence[each];
      if (artifact !== undefined) hung?.add(artifact);
    }
    if (of !== undefined) this.#push(of.hidden.carrying(...(hung ?? [])));
  }

  #push(image: TestImage): void {
    for (const registry of this.#registries) image.pushTo(registry);
  }

  #configMap(): JsonObject {
    const metadata = { name: "keys", namespace: "policy" };
    return { apiVersion: "v1", kind: "ConfigMap", metadata, data: this.data };
  }
}

/** Index of an image. */
export const anImage: fc.Arbitrary<number> = fc.nat(images.length - 1);
/** Indices of what comes to hang on one. */
export const evidence: fc.Arbitrary<number[]> = fc.uniqueArray(
  fc.nat((images[0]?.evidence.length ?? 0) - 1),
  {
    minLength: 4,
    maxLength: 24,
  },
);
const aReference = fc.constantFrom(
  ...images.flatMap(({ bare: { repository, tag, digest } }) =>
    [`:${tag}`, `@${digest}`].map((suffix) => `registry.test/${repository}${suffix}`),
  ),
);
/** A Pod of these images, by tag or digest. */
export const aPod: fc.Arbitrary<JsonObject> = fc
  .array(aReference, { minLength: 1, maxLength: 2 })
  .map((references) => podOf(...references));
/** A Pod of these images. */
export function podOf(...references: readonly string[]): JsonObject {
  const containers = references.map((reference, index) => ({ name: `c${index}`, image: reference }));
  const metadata = { name: "web", namespace: "shop" };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } };
}

/** All at once, as requests come to a server. */
export function judge(
  assay: Pick<Assay, "evaluate">,
  pods: readonly JsonObject[],
): Promise<readonly Verdict[]> {
  return Promise.all(pods.map((resource) => assay.evaluate({ resource })));
}
