import type { Digest } from "@assay/image";
import { matchesDigest } from "../oci/digest.ts";
import type { Limits } from "../oci/limits.ts";
import { type Descriptor, parseManifest } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";
import { blobName, type LayoutFiles } from "./layout-files.ts";

/** Annotation that names an entry's repository: `registry/path`, or a path alone for "whatever the registry". */
export const repositoryAnnotation = "dev.assay.repository";
export const tagAnnotation = "org.opencontainers.image.ref.name";
const fullNameAnnotation = "io.containerd.image.name";

/** What `index.json` lists, sorted for look-up. */
export interface LayoutContents {
  readonly entries: readonly Descriptor[];
  readonly bySubject: ReadonlyMap<Digest, readonly Descriptor[]>;
}

/** Reads `index.json` and the manifests that it names. Throws `SourceError`. */
export async function readContents(files: LayoutFiles, limits: Limits): Promise<LayoutContents> {
  const bytes = await files.read("index.json", limits.layerBytes);
  if (bytes === undefined) {
    const message = `\`${files.path}\` is no OCI layout: it has no \`index.json\``;
    throw new SourceError("unavailable", message, { origin: files.path });
  }
  const index = parseManifest(bytes);
  if (index.kind !== "index") {
    const why = index.kind === "malformed" ? index.message : "it is an image";
    const message = `\`index.json\` of \`${files.path}\` is no index: ${why}`;
    throw new SourceError("unavailable", message, { origin: files.path });
  }
  return { entries: index.manifests, bySubject: await sortBySubject(index.manifests, files, limits) };
}

/** Each manifest is read once, however often it is listed: who wrote the index chose how often that is. */
async function sortBySubject(
  entries: readonly Descriptor[],
  files: LayoutFiles,
  limits: Limits,
): Promise<ReadonlyMap<Digest, readonly Descriptor[]>> {
  const subjects = new Map<Digest, Digest | undefined>();
  const sorted = new Map<Digest, Descriptor[]>();
  for (const entry of entries) {
    if (!subjects.has(entry.digest)) subjects.set(entry.digest, await subjectOf(entry, files, limits));
    const subject = subjects.get(entry.digest);
    if (subject === undefined) continue;
    const about = sorted.get(subject);
    if (about === undefined) sorted.set(subject, [entry]);
    else about.push(entry);
  }
  return sorted;
}

async function subjectOf(entry: Descriptor, files: LayoutFiles, limits: Limits): Promise<Digest | undefined> {
  const bytes = await readBlob(entry.digest, limits.manifestBytes, files);
  const manifest = bytes === undefined ? undefined : parseManifest(bytes);
  return manifest === undefined || manifest.kind === "malformed" ? undefined : manifest.subject;
}

/** A blob of the layout. INVARIANT: its bytes hash to `digest`; files can be changed like anything else. */
export async function readBlob(
  digest: Digest,
  limit: number,
  files: LayoutFiles,
): Promise<Uint8Array | undefined> {
  const bytes = await files.read(blobName(digest), limit);
  if (bytes === undefined || (await matchesDigest(bytes, digest, files.turns))) return bytes;
  const message = `\`${blobName(digest)}\` in \`${files.path}\` holds other bytes than its name says`;
  throw new SourceError("digestMismatch", message, { origin: files.path });
}

/**
 * Whether an entry belongs to a repository. An entry without a repository belongs to every one: a plain layout holds
 * one image, and what counts is its digest.
 */
export function isIn(entry: Descriptor, repository: string): boolean {
  const named = entry.annotations[repositoryAnnotation] ?? repositoryIn(entry);
  if (named === undefined || named === repository) return true;
  return named === repository.slice(repository.indexOf("/") + 1);
}

/** The entry's tag. */
export function tagOf(entry: Descriptor): string | undefined {
  const full = entry.annotations[fullNameAnnotation];
  const name = entry.annotations[tagAnnotation] ?? full;
  if (name === undefined || !name.includes("/")) return name;
  // Some tools write the whole reference where the tag belongs.
  const tag = name.slice(name.lastIndexOf("/") + 1).split("@")[0] ?? "";
  return tag.includes(":") ? tag.slice(tag.indexOf(":") + 1) : undefined;
}

function repositoryIn(entry: Descriptor): string | undefined {
  const full = entry.annotations[fullNameAnnotation] ?? entry.annotations[tagAnnotation];
  if (full === undefined || !full.includes("/")) return undefined;
  const path = full.split("@")[0] ?? full;
  const colon = path.indexOf(":", path.lastIndexOf("/"));
  return colon < 0 ? path : path.slice(0, colon);
}
