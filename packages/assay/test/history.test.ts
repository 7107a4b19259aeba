import { contextFromObjects } from "@assay/sources/cluster";
import {
  createAuthority,
  createKey,
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
  type SignedArtifact,
  slsa,
  type TestImage,
  vuln,
} from "@assay/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Assay, type AssayOptions, createAssay, type JsonObject, type Verdict } from "../src/index.ts";

// Who has judged for days must say what one says who begins: whatever is kept follows from what it is kept under. So a
// world is changed at random between questions, and each is asked of an assay that saw all of it and of a new one.
// Evidence is only added, for a signature that once verified counts until it is forgotten.

const minute = 60_000;
const frozen = Date.parse(FROZEN_TIME);
const [first, second] = [createKey(), createKey("ed25519")];
const [here, there] = [createSigstore(), createSigstore()];
const workflow = here.identity();
const pki = createAuthority();
const employee = pki.certify(createKey("rsa2048"), {
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

const images = ["acme/a", "acme/b"].flatMap((repository) =>
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

const attestors: readonly JsonObject[] = [
  { keys: { publicKeys: first.pem, ...unlogged } },
  { keys: { publicKeys: second.pem, ...unlogged } },
  { keys: { publicKeys: first.pem } },
  { keys: { publicKeys: first.pem, rekor: { pubkey: there.pem.rekor }, ctlog: ignoreSCT } },
  { keys: { publicKeys: "{{ keys.data.pem }}", ...unlogged } },
  { certificates: { certChain: pki.pem, ...unlogged } },
  { keyless: byWorkflow },
  { keyless: { ...byWorkflow, roots: there.pem.roots } },
  { keyless: { subject: "ops@acme.example", issuer: "https://accounts.example", rekor } },
];

const provenance = "https://slsa.dev/provenance/v1";
const scan = "https://cosign.sigstore.dev/attestation/vuln/v1";
function where(type: string, key: string, operator: string, value: string): JsonObject {
  return { type, conditions: [{ all: [{ key, operator, value }] }] };
}
const attestations: readonly JsonObject[] = [
  { type: provenance },
  { type: scan, quantifier: "any" },
  where(provenance, "{{ runDetails.builder.id }}", "Equals", "{{ keys.data.builder }}"),
  where(scan, "{{ time_since('', metadata.scanFinishedOn, '') }}", "LessThan", "1h"),
];

const aPolicy = fc
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

function policyOf(entries: readonly JsonObject[]): string {
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

/** A registry, a clock, a trust root and a ConfigMap that change. */
class World {
  readonly registry = createRegistry();
  readonly options: Omit<AssayOptions, "policies">;
  now = frozen;
  trust = here.trustedRoot();
  data: JsonObject = { pem: first.pem, builder: "https://builder.example/v1" };
  readonly #hung = images.map(() => new Set<SignedArtifact>());

  constructor() {
    for (const { bare } of images) bare.pushTo(this.registry);
    this.options = {
      registry: { fetch: this.registry.fetch, credentials: [] },
      clock: () => new Date(this.now),
      trust: { fetch: async () => ({ ok: true, value: { json: this.trust } }) },
      context: { fetch: (lookup, how) => contextFromObjects([this.#configMap()]).fetch(lookup, how) },
    };
  }

  tag(index: number): void {
    images[index]?.bare.pushTo(this.registry);
    this.hang(index, []);
  }

  hang(index: number, choice: readonly number[]): void {
    const [of, hung] = [images[index], this.#hung[index]];
    for (const each of choice) {
      const artifact = of?.evidence[each];
      if (artifact !== undefined) hung?.add(artifact);
    }
    of?.hidden.carrying(...(hung ?? [])).pushTo(this.registry);
  }

  #configMap(): JsonObject {
    const metadata = { name: "keys", namespace: "policy" };
    return { apiVersion: "v1", kind: "ConfigMap", metadata, data: this.data };
  }
}

/** Changes the world, or asks. */
interface Step {
  readonly change?: (world: World) => void;
  readonly pods?: readonly JsonObject[];
}

const anImage = fc.nat(images.length - 1);
const evidence = fc.uniqueArray(fc.nat((images[0]?.evidence.length ?? 0) - 1), {
  minLength: 4,
  maxLength: 24,
});
const aReference = fc.constantFrom(
  ...images.flatMap(({ bare: { repository, tag, digest } }) =>
    [`:${tag}`, `@${digest}`].map((suffix) => `registry.test/${repository}${suffix}`),
  ),
);
const aPod = fc.array(aReference, { minLength: 1, maxLength: 2 }).map((references) => podOf(...references));
const aChange: fc.Arbitrary<Required<Step>["change"]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(anImage, evidence).map(
      ([of, all]) =>
        (world: World) =>
          world.hang(of, all),
    ),
  },
  anImage.map((of) => (world: World) => world.tag(of)),
  fc.constantFrom(-60, -1, 0, 5, 45, 60 * 24 * 400).map((minutes) => (world: World) => {
    world.now = frozen + minutes * minute;
  }),
  fc.constantFrom(here, there).map((sigstore) => (world: World) => {
    world.trust = sigstore.trustedRoot();
  }),
  fc.constantFrom(first, second).map(({ pem }) => (world: World) => {
    world.data = { ...world.data, pem };
  }),
  fc.constantFrom("https://builder.example/v1", "https://other.example").map((builder) => (world: World) => {
    world.data = { ...world.data, builder };
  }),
);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc.array(aPod, { minLength: 1, maxLength: 3 }).map((pods) => ({ pods })),
  aChange.map((change) => ({ change })),
);

function podOf(...references: readonly string[]): JsonObject {
  const containers = references.map((reference, index) => ({ name: `c${index}`, image: reference }));
  const metadata = { name: "web", namespace: "shop" };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } };
}

/** All at once, as requests come to a server. */
function judge(assay: Assay, pods: readonly JsonObject[]): Promise<readonly unknown[]> {
  return Promise.all(pods.map(async (resource) => essence(await assay.evaluate({ resource }))));
}

/** Everything but the steps: what was remembered has fewer. */
function essence({ allowed, outcome, results, patches }: Verdict): unknown {
  const told = results.map(({ image: of, outcome: is, code, digest, message }) => [
    of,
    is,
    code,
    digest,
    message,
  ]);
  return { allowed, outcome, told, patches };
}

test("no verdict depends on what was judged before", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(aPolicy, { minLength: 1, maxLength: 3 }),
      fc.array(aStep, { minLength: 5, maxLength: 40 }),
      async (entries, steps) => {
        const world = new World();
        const options = { ...world.options, policies: policyOf(entries) };
        const old = createAssay(options);
        for (const { change, pods = [] } of steps) {
          change?.(world);
          expect(await judge(old, pods)).toEqual(await judge(createAssay(options), pods));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("what a timestamp of the trust root's authority decided ends with that trust root", async () => {
  const world = new World();
  const { timestampAuthority } = here;
  const { pinned } = images[0]?.bare.signedBy(employee, { timestampAuthority }).pushTo(world.registry) ?? {};
  const entries = [attestors[5] ?? {}];
  const policies = policyOf([{ imageReferences: ["*"], failureAction: "Enforce", attestors: [{ entries }] }]);
  const assay = createAssay({ ...world.options, policies });
  const resource = podOf(pinned ?? "");
  // The plan names who is asked, though only such a signature needs it.
  expect(assay.plan({ resource }).lookups.map(({ kind }) => kind)).toContain("trustRoot");
  expect(await assay.evaluate({ resource })).toMatchObject({ allowed: true });
  world.trust = there.trustedRoot();
  expect(await assay.evaluate({ resource })).toMatchObject({
    allowed: false,
    results: [{ code: "noTrustedTime" }],
  });
});
