import type { RegistryAccess, TrustSource } from "@assay/engine";
import type { Digest, ImageReference } from "@assay/image";
import pLimit from "p-limit";
import { parseManifest } from "../oci/manifest.ts";
import { locate } from "../registry/registry-host.ts";
import { registryMeans } from "../registry/registry-means.ts";
import type { RegistryOptions } from "../registry/registry-options.ts";
import { type RepositoryOptions, registryRepository } from "../registry/registry-repository.ts";
import type { Errand } from "../registry/transport.ts";
import { SourceError } from "../source-error.ts";
import { type Expiry, trustExpiries } from "../trust/trust-expiries.ts";
import { type Collected, collectEvidence } from "./collect-evidence.ts";
import { type LayoutWriter, layoutWriter } from "./layout-writer.ts";

export interface ExportOptions {
  readonly images: readonly ImageReference[];
  /** Directory of the layout; made, or added to. */
  readonly directory: string;
  readonly registry?: RegistryOptions;
  readonly access?: RegistryAccess;
  /** Repositories beside the images' own that policies name (`repository:` of an attestor). */
  readonly repositories?: readonly string[];
  /** Its root named `trustRoot` (default `public-good`) is kept as `trusted_root.json`. */
  readonly trust?: TrustSource;
  readonly trustRoot?: string;
  /** Default true: what an index lists (a hundred images at most) is exported too, for Pods that name a platform's digest. */
  readonly children?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

export interface ExportedImage extends Collected {
  readonly image: string;
  readonly digest: Digest;
}

export interface ExportReport {
  readonly images: readonly ExportedImage[];
  /** What stops to hold, and when, the first at the top. */
  readonly expiries: readonly Expiry[];
  readonly notes: readonly string[];
}

/** Name of the trust root's file in a layout. */
export const trustRootFile = "trusted_root.json";
/** Images that are worked on at a time. */
const concurrency = 8;
const maxChildren = 100;

/**
 * Copies what it takes to verify images without network into an OCI layout: their manifests (not their contents), what
 * hangs on them, and the trust root. Tags are kept as they point today. Throws `SourceError` when any of it cannot be
 * had: then `index.json` is left as it was.
 */
export async function exportLayout(options: ExportOptions): Promise<ExportReport> {
  const notes = new Set<string>();
  const errand: Errand = {
    access: options.access,
    signal: options.signal,
    deadline: () => undefined,
    count: () => undefined,
    note: (text) => void notes.add(text),
  };
  const means = registryMeans(options.registry ?? {});
  const writer = await layoutWriter(options.directory);
  const limit = pLimit(concurrency);
  let done = 0;
  const images = await Promise.all(
    options.images.map((image) =>
      limit(async () => {
        const exported = await exportImage(image, { errand, means, writer, options });
        options.onProgress?.(++done, options.images.length);
        return exported;
      }),
    ),
  );
  const expiries = await exportTrust(options, writer, notes);
  await writer.finish();
  return { images, expiries, notes: [...notes] };
}

interface Work {
  readonly errand: Errand;
  readonly means: RepositoryOptions;
  readonly writer: LayoutWriter;
  readonly options: ExportOptions;
}

async function exportImage(image: ImageReference, work: Work): Promise<ExportedImage> {
  const name = image.registry === "" ? image.repository : `${image.registry}/${image.repository}`;
  const repository = registryRepository(name, locate(name), work.errand, work.means);
  const document =
    image.digest === undefined
      ? await repository.manifestByTag(image.tag ?? "latest", "image")
      : await repository.manifestByDigest(image.digest);
  if (document === undefined) {
    throw new SourceError("notFound", `\`${image.text}\` does not exist`, {
      origin: repository.host,
      status: 404,
    });
  }
  const { digest, bytes } = document;
  const manifest = parseManifest(bytes);
  if (manifest.kind === "malformed") {
    throw new SourceError("malformed", `\`${image.text}\` is no image: ${manifest.message}`, {
      origin: repository.host,
    });
  }
  const tag = image.digest === undefined ? (image.tag ?? "latest") : image.tag;
  const mediaType = `application/vnd.oci.image.${manifest.kind}.v1+json`;
  await work.writer.manifest({
    repository: name,
    mediaType,
    digest,
    bytes,
    ...(tag === undefined ? {} : { tag }),
  });
  const children = manifest.kind === "index" && work.options.children !== false ? manifest.manifests : [];
  if (children.length > maxChildren) {
    const message = `\`${image.text}\` lists ${children.length} images, more than the limit of ${maxChildren}`;
    throw new SourceError("tooMany", message, { origin: repository.host });
  }
  for (const child of children) {
    const found = await repository.manifestByDigest(child.digest, child.size);
    if (found === undefined) continue;
    const { mediaType: type } = child;
    await work.writer.manifest({
      repository: name,
      mediaType: type,
      digest: child.digest,
      bytes: found.bytes,
    });
    await collectAround(child.digest, name, work);
  }
  return { image: image.text, digest, ...(await collectAround(digest, name, work)) };
}

async function collectAround(digest: Digest, name: string, work: Work): Promise<Collected> {
  const { errand, means, writer } = work;
  const names = [...new Set([name, ...(work.options.repositories ?? [])])];
  const collected = await Promise.all(
    names.map((place) => {
      const repository = registryRepository(place, locate(place), errand, means);
      return collectEvidence(digest, { repository, writer, limits: means.limits });
    }),
  );
  const sum = (part: keyof Collected): number => collected.reduce((total, one) => total + one[part], 0);
  return { signatures: sum("signatures"), attestations: sum("attestations"), bundles: sum("bundles") };
}

async function exportTrust(
  options: ExportOptions,
  writer: LayoutWriter,
  notes: Set<string>,
): Promise<readonly Expiry[]> {
  if (options.trust === undefined) return [];
  const name = options.trustRoot ?? "public-good";
  const answer = await options.trust.fetch({ kind: "trustRoot", name }, { signal: options.signal });
  if (!answer.ok) throw new SourceError(answer.failure.code, answer.failure.message, answer.failure);
  for (const note of answer.notes ?? []) notes.add(note);
  await writer.file(trustRootFile, answer.value.json);
  return trustExpiries(answer.value.json);
}
