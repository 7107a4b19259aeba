import type { Digest } from "./digest.ts";

/**
 * A parsed image reference. Both tag and digest are kept. Frozen.
 * INVARIANT: at least one of `tag` and `digest` is defined (`latest` is filled in when neither was written).
 */
export interface ImageReference {
  /**
   * e.g. `docker.io`, `registry.example.com:5000`. Names as Kyverno has them: `nginx` is `docker.io` and `nginx`,
   * without `library/`; turning that into `registry-1.docker.io/library/nginx` is the registry client's work.
   * Empty only with `enableDefaultRegistryMutation: false`, for a reference without a registry.
   */
  readonly registry: string;
  /** Path without the registry, e.g. `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** As it was written. */
  readonly text: string;
}

/** `registry/path`, without tag and digest: what evidence is looked up under. */
export function repositoryName(image: ImageReference): string {
  return image.registry === "" ? image.repository : `${image.registry}/${image.repository}`;
}

/**
 * The text that Kyverno matches patterns against, and `{{ image.reference }}`: with a digest the tag is dropped
 * (kyverno/pkg/utils/image/infos.go, `String()`).
 */
export function matchText(image: ImageReference): string {
  return image.digest === undefined ? tagText(image) : `${repositoryName(image)}@${image.digest}`;
}

/** `registry/path:tag`, Kyverno's `referenceWithTag`: ends in `:` where the reference has only a digest. */
export function tagText(image: ImageReference): string {
  return `${repositoryName(image)}:${image.tag ?? ""}`;
}

/** `registry/path:tag@digest` (the tag only if there is one): what an image is rewritten to once it is verified. */
export function pinnedText(image: ImageReference, digest: Digest): string {
  return `${repositoryName(image)}${image.tag === undefined ? "" : `:${image.tag}`}@${digest}`;
}

/** Kyverno's variable for one image: `{{ image.registry }}`, `{{ images.containers.app.tag }}` and so on. */
export interface ImageVariables {
  readonly registry: string;
  /** The last segment of the path. */
  readonly name: string;
  readonly path: string;
  /** Empty where absent, as in Kyverno. */
  readonly tag: string;
  readonly digest: string;
  readonly reference: string;
  readonly referenceWithTag: string;
}

/** The parts of an image under the names that policies use for them. */
export function imageVariables(image: ImageReference): ImageVariables {
  return {
    registry: image.registry,
    name: image.repository.slice(image.repository.lastIndexOf("/") + 1),
    path: image.repository,
    tag: image.tag ?? "",
    digest: image.digest ?? "",
    reference: matchText(image),
    referenceWithTag: tagText(image),
  };
}
