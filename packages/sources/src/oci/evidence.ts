import type { Digest } from "@assay/image";
import type { Candidate, Origin, Shelf } from "@assay/verify";
import { SourceError, shown } from "../source-error.ts";
import type { Limits } from "./limits.ts";
import { type Descriptor, type ImageManifest, parseManifest } from "./manifest.ts";
import type { Document, Repository } from "./repository.ts";

type Unreadable = Extract<Candidate, { kind: "unreadable" }>;
type Reader = { readonly repository: Repository; readonly limits: Limits };
type Holds = "signature" | "attestation";

const bundleType = "application/vnd.dev.sigstore.bundle";
const cosignArtifacts: ReadonlyMap<string, Holds> = new Map([
  ["application/vnd.dev.cosign.artifact.sig.v1+json", "signature"],
  ["application/vnd.dev.cosign.artifact.att.v1+json", "attestation"],
]);

/**
 * The signatures behind `<repo>:sha256-<hex>.sig`, or the attestations behind `….att`. All or error: either every
 * layer was read, or this throws, with those that were read in `found`. No tag: no candidates.
 */
export async function readTag(
  reader: Reader,
  digest: Digest,
  shelf: "signatureTag" | "attestationTag",
): Promise<readonly Candidate[]> {
  const { tagPrefix = "" } = reader.repository;
  const tag = `${tagPrefix}${digest.replace(":", "-")}.${shelf === "signatureTag" ? "sig" : "att"}`;
  const origin: Origin = { shelf, repository: reader.repository.name };
  return orUnreadable(origin, async () => {
    const document = await reader.repository.manifestByTag(tag, "shelf");
    if (document === undefined) return [];
    const here = { ...origin, manifest: document.digest };
    const manifest = manifestIn(document, here, reader);
    if (manifest.kind === "unreadable") return [manifest];
    const holds = shelf === "signatureTag" ? "signature" : "attestation";
    return legacyLayers(reader, manifest, {
      origin: here,
      holds,
      budget: { left: reader.limits.lookupBytes },
    });
  });
}

/** What the referrers API lists. */
export async function readReferrers(
  reader: Reader,
  digest: Digest,
): Promise<readonly Candidate[] | "unsupported"> {
  const listed = await reader.repository.referrers(digest);
  if (listed === "unsupported") return listed;
  const candidates = await readListed(reader, listed.entries, { digest, shelf: "referrers" });
  if (listed.failure !== undefined) throw foundBefore(listed.failure, candidates);
  return candidates;
}

/** What the index behind the fallback tag `<repo>:sha256-<hex>` lists. */
export async function readReferrersTag(reader: Reader, digest: Digest): Promise<readonly Candidate[]> {
  const origin: Origin = { shelf: "referrersTag", repository: reader.repository.name };
  return orUnreadable(origin, async () => {
    const document = await reader.repository.manifestByTag(digest.replace(":", "-"), "shelf");
    if (document === undefined) return [];
    const index = parseManifest(document.bytes);
    if (index.kind === "index") {
      return readListed(reader, index.manifests, { digest, shelf: "referrersTag" });
    }
    if (!document.saidManifest) throw notAManifest(reader, "the referrers tag");
    const message = index.kind === "malformed" ? index.message : "it is no index";
    return [unreadable("malformed", `the index of referrers is malformed: ${message}`, origin)];
  });
}

async function readListed(
  reader: Reader,
  listed: readonly Descriptor[],
  about: { readonly digest: Digest; readonly shelf: Shelf },
): Promise<readonly Candidate[]> {
  const origin: Origin = { shelf: about.shelf, repository: reader.repository.name };
  const distinct = [...new Map(listed.map((entry) => [entry.digest, entry])).values()];
  if (distinct.length > reader.limits.referrers) {
    const message = `${distinct.length} referrers hang on the image, more than the limit of ${reader.limits.referrers}`;
    return [unreadable("tooMany", message, origin)];
  }
  const budget = { left: reader.limits.lookupBytes };
  return readEach(distinct, (entry) =>
    readReferrer(reader, { entry, subject: about.digest, origin, budget }),
  );
}

/**
 * What each of several things holds. If one cannot be had, the failure takes along what the others hold: one signature
 * may suffice. INVARIANT: it stays a failure, so that it is never taken for all that there is.
 */
async function readEach<T>(
  things: readonly T[],
  read: (thing: T) => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  const settled = await Promise.allSettled(things.map(read));
  const found = settled.flatMap((one) => (one.status === "fulfilled" ? one.value : foundIn(one.reason)));
  const reasons: unknown[] = settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  const bug = reasons.find((reason) => !(reason instanceof SourceError));
  if (bug !== undefined) throw bug;
  const [failure] = reasons;
  if (failure instanceof SourceError) throw foundBefore(failure, found);
  return found;
}

function foundIn(error: unknown): readonly Candidate[] {
  return error instanceof SourceError ? error.found : [];
}

function foundBefore(failure: SourceError, found: readonly Candidate[]): SourceError {
  const { code, message, origin, status, retryAfterMs, cause } = failure;
  return new SourceError(code, message, { origin, status, retryAfterMs, cause, found });
}

interface Referrer {
  readonly entry: Descriptor;
  readonly subject: Digest;
  readonly origin: Origin;
  readonly budget: Budget;
}
interface Budget {
  left: number;
}

/**
 * INVARIANT: what a referrer is, is read from its manifest. Descriptors say `application/vnd.oci.empty.v1+json` or the
 * config's type in several registries and in cosign's own fallback indexes, so none is left out because of them.
 */
async function readReferrer(reader: Reader, referrer: Referrer): Promise<readonly Candidate[]> {
  const { entry, origin } = referrer;
  const here = { ...origin, manifest: entry.digest };
  return orUnreadable(here, async () => {
    if (entry.size > reader.limits.manifestBytes) return [tooLarge("referrer", entry.size, here)];
    const document = await reader.repository.manifestByDigest(entry.digest, entry.size);
    if (document === undefined) return [listedButMissing("referrer", here)];
    const manifest = manifestIn(document, here, reader);
    if (manifest.kind === "unreadable") return claimsEvidence(entry) ? [manifest] : [];
    return referrerLayers(reader, manifest, { ...referrer, origin: here });
  });
}

async function referrerLayers(
  reader: Reader,
  manifest: ImageManifest,
  { subject, origin, budget }: Referrer,
): Promise<readonly Candidate[]> {
  const holds = heldBy(manifest);
  if (holds === undefined && !isBundle(manifest)) return [];
  if (manifest.subject !== subject) {
    const message = `the referrer says that it is about \`${manifest.subject ?? "nothing"}\`, not about the image`;
    return [unreadable("malformed", message, origin)];
  }
  if (holds !== undefined) return legacyLayers(reader, manifest, { origin, holds, budget });
  const [layer, ...others] = manifest.layers;
  if (layer === undefined || others.length > 0) {
    return [unreadable("malformed", `a bundle has one layer, this one ${manifest.layers.length}`, origin)];
  }
  const here = { ...origin, layer: layer.digest };
  return remembered(reader, { origin, budget }, async () => {
    const bytes = await readLayer(reader, layer, here, budget);
    return [bytes instanceof Uint8Array ? { kind: "bundle", bytes, origin: here } : bytes];
  });
}

/** Whether a referrer is of a kind that may hold signatures or attestations. */
export function isEvidence(manifest: ImageManifest): boolean {
  return isBundle(manifest) || heldBy(manifest) !== undefined;
}

function heldBy({ artifactType, config }: ImageManifest): Holds | undefined {
  return cosignArtifacts.get(artifactType ?? "") ?? cosignArtifacts.get(config?.mediaType ?? "");
}

function isBundle({ artifactType, layers }: ImageManifest): boolean {
  return (
    artifactType?.startsWith(bundleType) === true ||
    layers.some((layer) => layer.mediaType.startsWith(bundleType))
  );
}

async function legacyLayers(
  reader: Reader,
  manifest: ImageManifest,
  about: { readonly origin: Origin; readonly holds: Holds; readonly budget: Budget },
): Promise<readonly Candidate[]> {
  const { origin, holds, budget } = about;
  if (manifest.layers.length > reader.limits.layers) {
    const message = `${manifest.layers.length} ${holds}s, more than the limit of ${reader.limits.layers}`;
    return [unreadable("tooMany", message, origin)];
  }
  return remembered(reader, about, () =>
    readEach(manifest.layers, async (layer) => {
      const here = { ...origin, layer: layer.digest };
      const payload = await readLayer(reader, layer, here, budget);
      if (!(payload instanceof Uint8Array)) return [payload];
      return [{ kind: "legacy", holds, payload, annotations: layer.annotations, origin: here }];
    }),
  );
}

/** What `read` gives for the manifest at `origin`, or gave before. INVARIANT: `read` depends on that manifest alone. */
async function remembered(
  reader: Reader,
  { origin, budget }: { readonly origin: Origin; readonly budget: Budget },
  read: () => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  const memory = reader.repository.candidates;
  const key = `${origin.shelf} ${origin.repository} ${origin.manifest}`;
  const known = memory?.get(key);
  if (known !== undefined && known.bytes <= budget.left) {
    budget.left -= known.bytes;
    return known.candidates;
  }
  const candidates = await read();
  const sizes = candidates.map(bytesOf);
  // What could not be read may be readable in a moment.
  if (!sizes.includes(undefined))
    memory?.set(key, { candidates, bytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) });
  return candidates;
}

function bytesOf(candidate: Candidate): number | undefined {
  if (candidate.kind === "unreadable") return undefined;
  return (candidate.kind === "legacy" ? candidate.payload : candidate.bytes).byteLength;
}

async function readLayer(
  reader: Reader,
  layer: Descriptor,
  origin: Origin,
  budget: Budget,
): Promise<Uint8Array | Unreadable> {
  if (layer.size > reader.limits.layerBytes) return tooLarge("layer", layer.size, origin);
  // Declared sizes are binding: a longer body is cut off, a shorter one is refused below.
  budget.left -= layer.size;
  if (budget.left < 0) {
    return unreadable("tooLarge", `all layers together are over ${reader.limits.lookupBytes} bytes`, origin);
  }
  try {
    const bytes = await reader.repository.blob(layer);
    if (bytes === undefined) return listedButMissing("layer", origin);
    if (bytes.byteLength === layer.size) return bytes;
    return unreadable(
      "malformed",
      `the layer has ${bytes.byteLength} bytes, its manifest says ${layer.size}`,
      origin,
    );
  } catch (error) {
    return unreadableFor(error, origin);
  }
}

function manifestIn(document: Document, origin: Origin, reader: Reader): ImageManifest | Unreadable {
  const manifest = parseManifest(document.bytes);
  if (manifest.kind === "manifest") return manifest;
  if (!document.saidManifest) throw notAManifest(reader, "a manifest");
  const why = manifest.kind === "malformed" ? manifest.message : "it is an index";
  return unreadable("malformed", `the manifest \`${document.digest}\` is malformed: ${why}`, origin);
}

function notAManifest(reader: Reader, what: string): SourceError {
  const { host } = reader.repository;
  const message = `\`${host}\` answered with something else than ${what} (is a proxy or a login page in between?)`;
  return new SourceError("unavailable", message, { origin: host, status: 200 });
}

/** A descriptor that calls itself evidence: if its manifest cannot be read, that must not go unnoticed. */
function claimsEvidence(entry: Descriptor): boolean {
  const type = entry.artifactType ?? "";
  return (
    type === "" || type.startsWith(bundleType) || cosignArtifacts.has(type) || type.includes("oci.empty")
  );
}

function listedButMissing(what: string, origin: Origin): Unreadable {
  const name = origin.layer ?? origin.manifest ?? "";
  return unreadable("malformed", `the ${what} \`${name}\` is listed, but does not exist`, origin);
}

function tooLarge(what: string, size: number, origin: Origin): Unreadable {
  return unreadable("tooLarge", `the ${what} has ${size} bytes, more than the limit`, origin);
}

function unreadable(code: Unreadable["code"], message: string, origin: Origin): Unreadable {
  return { kind: "unreadable", code, message: shown(message, 400), origin };
}

/** What follows from the bytes is a candidate that cannot be read; what could not be had stays an error. */
function unreadableFor(error: unknown, origin: Origin): Unreadable {
  if (error instanceof SourceError && error.code === "tooLarge")
    return unreadable("tooLarge", error.message, origin);
  throw error;
}

async function orUnreadable(
  origin: Origin,
  read: () => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  try {
    return await read();
  } catch (error) {
    return [unreadableFor(error, origin)];
  }
}
