import type { Digest } from "@assay/image";
import { isEvidence } from "../oci/evidence.ts";
import type { Limits } from "../oci/limits.ts";
import { type Descriptor, type ImageManifest, parseManifest } from "../oci/manifest.ts";
import type { Document, Repository } from "../oci/repository.ts";
import { SourceError } from "../source-error.ts";
import type { LayoutWriter } from "./layout-writer.ts";

/** How much hangs on one digest in one repository. */
export interface Collected {
  readonly signatures: number;
  readonly attestations: number;
  readonly bundles: number;
}

interface Work {
  readonly repository: Repository;
  readonly writer: LayoutWriter;
  readonly limits: Limits;
}

const imageType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";

/**
 * Copies everything that may be evidence about a digest: the `.sig` and `.att` images, referrers and the fallback tag,
 * with their layers. All of it or an error: an export that lacks an attestation would deny, or allow, for that reason.
 */
export async function collectEvidence(digest: Digest, work: Work): Promise<Collected> {
  const tag = digest.replace(":", "-");
  const prefix = work.repository.tagPrefix ?? "";
  const [signatures, attestations, referrers, fallback] = await Promise.all([
    copyTag(`${prefix}${tag}.sig`, work),
    copyTag(`${prefix}${tag}.att`, work),
    copyReferrers(digest, work),
    copyFallback(tag, work),
  ]);
  return { signatures, attestations, bundles: Math.max(referrers, fallback) };
}

async function copyTag(tag: string, work: Work): Promise<number> {
  const document = await work.repository.manifestByTag(tag, "shelf");
  if (document === undefined) return 0;
  const manifest = parseManifest(document.bytes);
  if (manifest.kind !== "manifest") throw broken(work, tag);
  await copyManifest(document, manifest, work, tag);
  return manifest.layers.length;
}

async function copyReferrers(digest: Digest, work: Work): Promise<number> {
  const listed = await work.repository.referrers(digest);
  if (listed === "unsupported") return 0;
  if (listed.failure !== undefined) throw listed.failure;
  return copyListed(listed.entries, work);
}

async function copyFallback(tag: string, work: Work): Promise<number> {
  const document = await work.repository.manifestByTag(tag, "shelf");
  if (document === undefined) return 0;
  const index = parseManifest(document.bytes);
  if (index.kind !== "index") throw broken(work, tag);
  const copied = await copyListed(index.manifests, work);
  const { name: repository } = work.repository;
  await work.writer.manifest({
    repository,
    tag,
    mediaType: indexType,
    digest: document.digest,
    bytes: document.bytes,
  });
  return copied;
}

async function copyListed(listed: readonly Descriptor[], work: Work): Promise<number> {
  if (listed.length > work.limits.referrers) {
    const message = `\`${work.repository.name}\` has over ${work.limits.referrers} referrers on one image`;
    throw new SourceError("tooMany", message, { origin: work.repository.host });
  }
  const copied = await Promise.all(
    listed.map(async (entry) => {
      const document = await work.repository.manifestByDigest(entry.digest, entry.size);
      // A list may name what was deleted since: there is nothing to copy, here as there.
      const manifest = document === undefined ? undefined : parseManifest(document.bytes);
      if (document === undefined || manifest?.kind !== "manifest" || !isEvidence(manifest)) return 0;
      await copyManifest(document, manifest, work, undefined);
      return 1;
    }),
  );
  return copied.reduce<number>((sum, count) => sum + count, 0);
}

async function copyManifest(
  document: Document,
  manifest: ImageManifest,
  work: Work,
  tag: string | undefined,
): Promise<void> {
  const parts = manifest.config === undefined ? manifest.layers : [...manifest.layers, manifest.config];
  await Promise.all(parts.map((part) => copyBlob(part, work)));
  const { digest, bytes } = document;
  const { name: repository } = work.repository;
  await work.writer.manifest({
    repository,
    mediaType: imageType,
    digest,
    bytes,
    ...(tag === undefined ? {} : { tag }),
  });
}

async function copyBlob(part: Descriptor, work: Work): Promise<void> {
  const bytes = await work.repository.blob(part);
  // Some tools name the empty config without ever pushing it.
  if (bytes !== undefined) await work.writer.blob(part.digest, bytes);
}

function broken(work: Work, tag: string): SourceError {
  const message = `\`${work.repository.name}:${tag}\` is not what its name says: it cannot be exported`;
  return new SourceError("malformed", message, { origin: work.repository.host });
}
