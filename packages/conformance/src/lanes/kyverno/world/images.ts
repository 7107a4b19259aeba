import { type Format, image, type Registry, type TestImage } from "@assay/testkit";
import type { NamedImage } from "../generate/surroundings.ts";
import { keylessBuilds } from "./keyless.ts";
import { predicates } from "./predicates.ts";
import type { Signers } from "./signers.ts";

/** Repositories whose images have one attestation at most: of these Kyverno cannot take the wrong one. */
export const attestedOnce: ReadonlySet<string> = new Set(
  ["att-odd", "cert-att", "mixed", "a-log", "store"].map((name) => `t/${name}`),
);

type Build = (made: TestImage) => TestImage;

/** Pushes every image to every registry, as `t/NAME:v1`. */
export function pushImages(registries: readonly Registry[], signers: Signers): readonly NamedImage[] {
  const builds = {
    ...bySignature(signers),
    ...byFormat(signers),
    ...byAttestation(signers),
    ...byIdentity(signers),
  };
  const pushed = Object.entries(builds).flatMap(([name, build]) =>
    registries.map((registry) => push(registry, { repository: `t/${name}`, content: name, build })),
  );
  return [...pushed, ...registries.flatMap((registry) => special(registry, signers))];
}

interface Pushed {
  readonly repository: string;
  readonly tag?: string;
  readonly content: string;
  readonly build: Build;
}

function push(registry: Registry, { repository, tag = "v1", content, build }: Pushed): NamedImage {
  const { digest } = build(image({ repository, tag, content })).pushTo(registry);
  return { host: registry.host, repository, tag, digest };
}

function bySignature({ keys: k }: Signers): Readonly<Record<string, Build>> {
  const brokenBy = (signature: Uint8Array): Uint8Array =>
    signature.map((byte, index) => (index === signature.length - 1 ? byte ^ 1 : byte));
  const moved = (payload: Record<string, unknown>): unknown => {
    const other = { "docker-manifest-digest": `sha256:${"1".repeat(64)}` };
    return { ...payload, critical: { ...(payload["critical"] as object), image: other } };
  };
  return {
    none: (made) => made,
    a: (made) => made.signedBy(k.a),
    b: (made) => made.signedBy(k.b),
    ab: (made) => made.signedBy(k.a).signedBy(k.b),
    abc: (made) => made.signedBy(k.c).signedBy(k.b).signedBy(k.a),
    p384: (made) => made.using({ hash: "sha384" }).signedBy(k.p384),
    p384s256: (made) => made.signedBy(k.p384),
    p521: (made) => made.using({ hash: "sha512" }).signedBy(k.p521),
    rsa: (made) => made.signedBy(k.rsa),
    ed: (made) => made.signedBy(k.ed),
    a512: (made) => made.using({ hash: "sha512" }).signedBy(k.a),
    ann: (made) => made.signedBy(k.a, { annotations: { env: "prod", team: "pay" } }),
    ann2: (made) =>
      made
        .signedBy(k.a, { annotations: { env: "prod" } })
        .signedBy(k.a, { annotations: { env: "dev", team: "pay" } }),
    annb: (made) =>
      made.signedBy(k.a, { annotations: { env: "dev" } }).signedBy(k.b, { annotations: { env: "prod" } }),
    moved: (made) => made.signedBy(k.a, { edit: { payload: moved } }),
    bad: (made) => made.signedBy(k.a, { edit: { signature: brokenBy } }).signedBy(k.b),
  };
}

const formats: readonly (readonly [Format, string])[] = [
  ["bundle-v0.3", "bun"],
  ["bundle-v0.1", "bun1"],
  ["oci11", "oci"],
];

function byFormat({ keys: k }: Signers): Readonly<Record<string, Build>> {
  const p = predicates();
  const inFormat = ([format, name]: (typeof formats)[number]): Record<string, Build> => ({
    [`${name}-a`]: (made) => made.using({ format }).signedBy(k.a),
    [`${name}-ab`]: (made) => made.using({ format }).signedBy(k.a).signedBy(k.b),
    [`${name}-att`]: (made) =>
      made.using({ format }).signedBy(k.a).attested(p.built, p.scanned, p.parts, p.odd),
    [`${name}-att2`]: (made) =>
      made
        .using({ format })
        .signedBy(k.a)
        .attested(p.provenance, p.scanned, p.scannedLongAgo)
        .attestedBy(k.b, p.odd, p.odder),
  });
  const format = "bundle-v0.3";
  return {
    ...Object.assign({}, ...formats.map(inFormat)),
    "bun-msg": (made) => made.using({ format, content: "message" }).signedBy(k.a),
    "bun-rsa": (made) => made.using({ format }).signedBy(k.rsa),
    mixed: (made) => made.signedBy(k.a).using({ format }).signedBy(k.b).attested(p.built),
  };
}

function byAttestation({ keys: k }: Signers): Readonly<Record<string, Build>> {
  const p = predicates();
  return {
    att: (made) => made.signedBy(k.a).attested(p.built, p.scanned, p.parts),
    "att-bad": (made) => made.signedBy(k.a).attested(p.builtElsewhere, p.scannedLongAgo, p.partsAsText),
    "att-two": (made) => made.signedBy(k.a).attested(p.built, p.builtElsewhere, p.scanned, p.scannedLongAgo),
    "att-ab": (made) =>
      made
        .signedBy(k.a)
        .attested(p.built, p.scanned)
        .attestedBy(k.b, p.builtElsewhere, p.scannedLongAgo, p.provenance),
    "att-b": (made) => made.signedBy(k.a).attestedBy(k.b, p.built, p.nothingFound, p.parts),
    "att-only": (made) => made.attestedBy(k.a, p.built, p.provenance, p.scanned),
    "att-1": (made) => made.signedBy(k.a).attested(p.provenance, p.provenanceWithMore, p.approved, p.text),
    "att-odd": (made) => made.signedBy(k.a).attested(p.odd),
    "att-odd2": (made) => made.signedBy(k.a).attested(p.odd, p.odder),
    "att-list": (made) => made.signedBy(k.a).attested(p.list, p.built),
  };
}

function byIdentity({
  keys: k,
  sigstore,
  certified,
  workflow,
  person,
  stranger,
}: Signers): Readonly<Record<string, Build>> {
  const p = predicates();
  return {
    cert: (made) => made.signedBy(certified),
    "cert-att": (made) => made.signedBy(certified).attested(p.built),
    gh: (made) => made.signedBy(workflow),
    alice: (made) => made.signedBy(person),
    evil: (made) => made.signedBy(stranger),
    "gh-alice": (made) => made.signedBy(stranger).signedBy(workflow).signedBy(person),
    "gh-att": (made) =>
      made.signedBy(workflow).attested(p.built, p.scanned).attestedBy(stranger, p.provenance),
    "gh-a": (made) => made.signedBy(workflow).signedBy(k.a),
    "a-log": (made) => made.using({ log: sigstore.rekor }).signedBy(k.a).attested(p.built),
  };
}

/** Pushes images for keyless policies to every registry, as `k/NAME:v1`. */
export function pushKeyless(registries: readonly Registry[], signers: Signers): readonly NamedImage[] {
  return Object.entries(keylessBuilds(signers)).flatMap(([name, build]) => {
    const repository = `k/${name}`;
    const made = build(image({ repository, content: name }));
    return registries.map((registry) => {
      const { digest } = made.pushTo(registry);
      return { host: registry.host, repository, tag: "v1", digest };
    });
  });
}

/** An image whose signatures are in another repository, and one whose tags are of different images. */
function special(registry: Registry, { keys: k }: Signers): readonly NamedImage[] {
  const signed: Build = (made) => made.signedBy(k.a);
  const attested: Build = (made) => signed(made).attested(predicates().built);
  return [
    push(registry, { repository: "t/else", content: "else", build: (made) => made }),
    push(registry, { repository: "t/store", content: "else", build: attested }),
    push(registry, { repository: "t/a", tag: "v2", content: "a-v2", build: (made) => made }),
    push(registry, { repository: "t/a", tag: "latest", content: "a-latest", build: signed }),
  ];
}
