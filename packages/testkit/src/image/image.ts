import type { Registry } from "../registry/registry.ts";
import { type Descriptor, digestOf } from "../registry/store.ts";
import { jsonBytes } from "../signing/encoding.ts";
import type { Signer } from "../sigstore/signer.ts";
import { TestkitError } from "../testkit-error.ts";
import { attach } from "./attach.ts";
import type { Predicate } from "./predicates.ts";
import { attestImage, type SignedSubject, signImage } from "./sign.ts";
import type { SignedArtifact, SignOptions } from "./sign-options.ts";

/** What an image is called and made of. */
export interface ImageOptions {
  /** Path without the host. Default `acme/app`. */
  readonly repository?: string;
  /** Default `v1`. */
  readonly tag?: string;
  /** Whatever makes this image different from others; equal content gives an equal digest. */
  readonly content?: string;
}

/** An image and what hangs on it. Immutable: every step returns another one. */
export interface TestImage extends SignedSubject {
  readonly repository: string;
  readonly tag: string;
  readonly artifacts: readonly SignedArtifact[];
  /** Options for the steps that follow, over those given before. */
  using(options: SignOptions): TestImage;
  /** Adds a signature; the signer also signs the attestations that follow. */
  signedBy(signer: Signer, options?: SignOptions): TestImage;
  /** Adds attestations by the last signer. */
  attested(...predicates: readonly Predicate[]): TestImage;
  /** Names a signer for attestations without signing the image itself. */
  attestedBy(signer: Signer, ...predicates: readonly Predicate[]): TestImage;
  /** Hangs anything on the image, made by hand or taken from another image. */
  carrying(...artifacts: readonly SignedArtifact[]): TestImage;
  /** Pushes the image and everything on it. */
  pushTo(registry: Registry): PushedImage;
}

/** How a pushed image is named. */
export interface PushedImage {
  readonly digest: string;
  /** `host/repository:tag`. */
  readonly reference: string;
  /** `host/repository@sha256:…`. */
  readonly byDigest: string;
  /** `host/repository:tag@sha256:…`. */
  readonly pinned: string;
}

interface State {
  readonly subject: SignedSubject;
  readonly layers: readonly Uint8Array[];
  readonly repository: string;
  readonly tag: string;
  readonly artifacts: readonly SignedArtifact[];
  readonly options: SignOptions;
  readonly signer?: Signer;
}

/** A small OCI image, unsigned. */
export function image(options: ImageOptions = {}): TestImage {
  const { repository = "acme/app", tag = "v1" } = options;
  const labels = { "dev.assay.content": options.content ?? `${repository}:${tag}` };
  // An empty tar: a client that pulls the image finds a layer it can unpack.
  const layer = new Uint8Array(1024);
  const rootfs = { type: "layers", diff_ids: [digestOf(layer)] };
  const config = jsonBytes({ architecture: "amd64", os: "linux", config: { Labels: labels }, rootfs });
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: describeBytes(config, "application/vnd.oci.image.config.v1+json"),
    layers: [describeBytes(layer, "application/vnd.oci.image.layer.v1.tar")],
  });
  const subject = { digest: digestOf(manifest), manifest, name: repository };
  return build({ subject, layers: [config, layer], repository, tag, artifacts: [], options: {} });
}

function describeBytes(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function build(state: State): TestImage {
  const { subject, options } = state;
  const adding = (artifacts: readonly SignedArtifact[], signer = state.signer): TestImage =>
    build({
      ...state,
      artifacts: [...state.artifacts, ...artifacts],
      ...(signer === undefined ? {} : { signer }),
    });
  const attested = (signer: Signer | undefined, predicates: readonly Predicate[]): TestImage => {
    if (signer === undefined)
      throw new TestkitError("badOption", "nobody signs: call signedBy or attestedBy first");
    return adding(
      predicates.map((each) => attestImage(subject, each, signer, options)),
      signer,
    );
  };
  return {
    ...subject,
    repository: state.repository,
    tag: state.tag,
    artifacts: state.artifacts,
    using: (more) => build({ ...state, options: { ...options, ...more } }),
    signedBy: (signer, more = {}) => adding([signImage(subject, signer, { ...options, ...more })], signer),
    attested: (...predicates) => attested(state.signer, predicates),
    attestedBy: (signer, ...predicates) => attested(signer, predicates),
    carrying: (...artifacts) => adding(artifacts),
    pushTo: (registry) => push(state, registry),
  };
}

function push({ subject, layers, repository, tag, artifacts }: State, registry: Registry): PushedImage {
  for (const layer of layers) registry.pushBlob(repository, layer);
  const { mediaType, digest, size } = registry.pushManifest(repository, subject.manifest, { tag });
  attach({ registry, repository, subject: { mediaType, digest, size } }, artifacts);
  const name = `${registry.host}/${repository}`;
  return {
    digest,
    reference: `${name}:${tag}`,
    byDigest: `${name}@${digest}`,
    pinned: `${name}:${tag}@${digest}`,
  };
}
