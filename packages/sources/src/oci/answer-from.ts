import type { AnswerValues, EvidenceLookup } from "@assay/engine";
import type { ImageReference } from "@assay/image";
import { SourceError } from "../source-error.ts";
import { readReferrers, readReferrersTag, readTag } from "./evidence.ts";
import { readImageData } from "./image-data.ts";
import type { Limits } from "./limits.ts";
import { parseManifest } from "./manifest.ts";
import type { Document, Repository } from "./repository.ts";

/** What the lookups about images are answered with. */
export type EvidenceValue = AnswerValues[EvidenceLookup["kind"]];

/** Answers a lookup from one repository. Throws `SourceError`. */
export async function answerFrom(
  repository: Repository,
  lookup: EvidenceLookup,
  limits: Limits,
): Promise<EvidenceValue> {
  const reader = { repository, limits };
  switch (lookup.kind) {
    case "digest":
      return { digest: (await requireManifest(repository, lookup.image)).digest };
    case "manifest": {
      const image = { digest: lookup.digest, text: `${lookup.repository}@${lookup.digest}` };
      return { bytes: (await requireManifest(repository, image)).bytes };
    }
    case "imageData":
      return { data: await readImageData(reader, lookup) };
    case "signatureTag":
    case "attestationTag":
      return { candidates: await readTag(reader, lookup.digest, lookup.kind) };
    case "referrersTag":
      return { candidates: await readReferrersTag(reader, lookup.digest) };
    case "referrers": {
      const candidates = await readReferrers(reader, lookup.digest);
      return candidates === "unsupported" ? { candidates: [], unsupported: true } : { candidates };
    }
  }
}

/** The manifest that an image names: by its digest where it has one, by its tag otherwise. It was seen to be a manifest. */
async function requireManifest(
  repository: Repository,
  image: Pick<ImageReference, "digest" | "tag" | "text">,
): Promise<Document> {
  const document =
    image.digest === undefined
      ? await repository.manifestByTag(image.tag ?? "latest", "image")
      : await repository.manifestByDigest(image.digest);
  if (document === undefined) {
    const message = `\`${image.text}\` does not exist in \`${repository.name}\` (is it pushed, and spelt right?)`;
    throw new SourceError("notFound", message, { origin: repository.host, status: 404 });
  }
  const manifest = parseManifest(document.bytes);
  if (manifest.kind !== "malformed") return document;
  const message = `what \`${repository.host}\` sent for \`${image.text}\` is no manifest: ${manifest.message}`;
  // What calls itself a manifest and is none is a broken image; anything else came from somebody in between.
  if (document.saidManifest) throw new SourceError("malformed", message, { origin: repository.host });
  throw new SourceError("unavailable", message, { origin: repository.host, status: 200 });
}

/** `registry/path` of what a lookup is about. */
export function repositoryOf(lookup: EvidenceLookup): string {
  if (!("image" in lookup)) return lookup.repository;
  const { registry, repository } = lookup.image;
  return registry === "" ? repository : `${registry}/${repository}`;
}
