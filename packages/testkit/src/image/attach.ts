import type { Registry } from "../registry/registry.ts";
import { indexOf } from "../registry/routes.ts";
import type { Descriptor } from "../registry/store.ts";
import type { SignedArtifact } from "./sign-options.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const EMPTY = "application/vnd.oci.empty.v1+json";

/** Where artifacts are hung. */
export interface AttachTarget {
  readonly registry: Registry;
  readonly repository: string;
  /** The image. */
  readonly subject: Descriptor;
}

/**
 * Hangs signed artifacts on an image as cosign does: legacy ones as layers of one `.sig` and one `.att` image, the
 * rest as referrers, listed under the fallback tag where the registry has no referrers API.
 */
export function attach(target: AttachTarget, artifacts: readonly SignedArtifact[]): void {
  for (const holds of ["signature", "attestation"] as const) {
    const layers = artifacts.filter(
      (artifact) => artifact.kind === "legacy" && artifact.shelf === "tag" && artifact.holds === holds,
    );
    if (layers.length > 0) pushLayers(target, layers, holds);
  }
  const referrers = artifacts
    .filter((artifact) => artifact.kind === "bundle" || artifact.shelf === "referrer")
    .map((artifact) =>
      artifact.kind === "bundle" ? pushBundle(target, artifact) : pushReferrer(target, artifact),
    );
  if (referrers.length > 0 && !target.registry.referrersApi)
    target.registry.pushManifest(target.repository, indexOf(referrers), {
      tag: fallbackTag(target.subject.digest),
    });
}

/** `sha256-<hex>`, to which legacy artifacts append `.sig` or `.att`. */
export function fallbackTag(digest: string): string {
  return digest.replace(":", "-");
}

type LegacyArtifact = Extract<SignedArtifact, { kind: "legacy" }>;

function pushLayers(
  target: AttachTarget,
  layers: readonly SignedArtifact[],
  holds: LegacyArtifact["holds"],
): void {
  const { registry, repository, subject } = target;
  const descriptors = layers.flatMap((layer) => (layer.kind === "legacy" ? [pushLayer(target, layer)] : []));
  const config = { architecture: "", os: "", config: {}, rootfs: { type: "layers", diff_ids: [] } };
  registry.pushManifest(
    repository,
    {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: registry.pushBlob(
        repository,
        JSON.stringify(config),
        "application/vnd.oci.image.config.v1+json",
      ),
      layers: descriptors,
    },
    { tag: `${fallbackTag(subject.digest)}.${holds === "signature" ? "sig" : "att"}` },
  );
}

function pushLayer({ registry, repository }: AttachTarget, layer: LegacyArtifact): Descriptor {
  return { ...registry.pushBlob(repository, layer.payload, layer.mediaType), annotations: layer.annotations };
}

/** cosign's OCI 1.1 form: the artifact type is the config's media type. */
function pushReferrer(target: AttachTarget, layer: LegacyArtifact): Descriptor {
  const { registry, repository, subject } = target;
  const artifactType = `application/vnd.dev.cosign.artifact.${layer.holds === "signature" ? "sig" : "att"}.v1+json`;
  return registry.pushManifest(repository, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType,
    config: registry.pushBlob(repository, "{}", artifactType),
    layers: [pushLayer(target, layer)],
    subject,
  });
}

function pushBundle(target: AttachTarget, bundle: Extract<SignedArtifact, { kind: "bundle" }>): Descriptor {
  const { registry, repository, subject } = target;
  return registry.pushManifest(repository, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: bundle.mediaType,
    config: { ...registry.pushBlob(repository, "{}", EMPTY), artifactType: bundle.mediaType },
    layers: [registry.pushBlob(repository, bundle.bytes, bundle.mediaType)],
    subject,
    annotations: bundle.annotations,
  });
}
