import type { EvidenceLookup } from "@assay/engine";
import type { Digest, ImageReference } from "@assay/image";
import type { Json } from "@assay/policy";
import { SourceError } from "../source-error.ts";
import type { Limits } from "./limits.ts";
import { type Descriptor, type ImageIndex, isFields, own, parseManifest, parseObject } from "./manifest.ts";
import { hasKeyInTwoCases, hasKeyTwice } from "./one-reading.ts";
import type { Document, Repository } from "./repository.ts";

type ImageDataLookup = Extract<EvidenceLookup, { kind: "imageData" }>;

interface Reader {
  readonly repository: Repository;
  readonly limits: Limits;
}

/**
 * What Kyverno's `imageRegistry` context entry holds: names, manifest, index and config. Of an index, the linux/amd64
 * image is read, as there; where it has none, its first image. Names are as they were written, though the image is read by
 * the digest that its tag was resolved to.
 */
export async function readImageData(
  reader: Reader,
  { image, digest = image.digest }: Pick<ImageDataLookup, "image" | "digest">,
): Promise<Json> {
  const top = await manifestOf(reader.repository, image, digest);
  const parsed = parseManifest(top.bytes);
  const child = parsed.kind === "index" ? await childOf(reader.repository, parsed, image) : top;
  const manifest = parseManifest(child.bytes);
  const { config } = manifest.kind === "manifest" ? manifest : { config: undefined };
  if (config === undefined) throw malformed(reader.repository, image, "its manifest names no config");
  if (config.size > reader.limits.manifestBytes)
    throw malformed(reader.repository, image, "its config is too large");
  const configBytes = await reader.repository.blob(config);
  if (configBytes === undefined) throw malformed(reader.repository, image, "its config does not exist");
  if (hasTwoReadings(configBytes))
    throw malformed(
      reader.repository,
      image,
      "its config has a key twice, of which nodes may take another one",
    );
  return {
    image: image.text,
    resolvedImage: `${reader.repository.name}@${top.digest}`,
    registry: image.registry,
    repository: image.repository,
    identifier: image.digest ?? image.tag ?? "latest",
    manifestList: parsed.kind === "index" ? json(top.bytes) : null,
    manifest: json(child.bytes),
    configData: json(configBytes),
  };
}

async function manifestOf(
  repository: Repository,
  image: ImageReference,
  digest: Digest | undefined,
): Promise<Document> {
  const document = await (digest === undefined
    ? repository.manifestByTag(image.tag ?? "latest", "image")
    : repository.manifestByDigest(digest));
  if (document !== undefined) return document;
  const message = `\`${image.text}\` does not exist in \`${repository.name}\``;
  throw new SourceError("notFound", message, { origin: repository.host, status: 404 });
}

async function childOf(repository: Repository, index: ImageIndex, image: ImageReference): Promise<Document> {
  const wanted = ({ platform }: Descriptor): boolean =>
    platform?.os === "linux" && platform.architecture === "amd64";
  const entry = index.manifests.find(wanted) ?? index.manifests[0];
  const child = entry === undefined ? undefined : await repository.manifestByDigest(entry.digest, entry.size);
  if (child === undefined) throw malformed(repository, image, "none of the images in its index exists");
  return child;
}

/** Whether what Go's decoder makes of the config, which a node runs the image by, may be something else than it says here. */
function hasTwoReadings(bytes: Uint8Array): boolean {
  const config = parseObject(bytes);
  if (config === undefined) return false;
  const parts = [config, own(config, "config"), own(config, "rootfs")].filter(isFields);
  return hasKeyTwice(new TextDecoder().decode(bytes)) || parts.some(hasKeyInTwoCases);
}

function json(bytes: Uint8Array): Json {
  // What JSON.parse returns is JSON.
  return (parseObject(bytes) ?? null) as Json;
}

function malformed(repository: Repository, image: ImageReference, why: string): SourceError {
  const message = `\`${image.text}\` in \`${repository.name}\`: ${why}`;
  return new SourceError("malformed", message, { origin: repository.host });
}
