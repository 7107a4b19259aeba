import type { Digest } from "@assay/image";
import type { BytesCache } from "../cache/bytes-cache.ts";
import type { ByteTurns } from "../oci/byte-turns.ts";
import type { CandidateMemory } from "../oci/candidate-memory.ts";
import { digestOf, matchesDigest } from "../oci/digest.ts";
import type { Limits } from "../oci/limits.ts";
import { manifestTypes, parseManifest } from "../oci/manifest.ts";
import type { Document, Repository, Wanted } from "../oci/repository.ts";
import { SourceError } from "../source-error.ts";
import { listReferrers, type ReferrersMemory } from "./list-referrers.ts";
import type { ListingMemory } from "./listing-memory.ts";
import type { Location } from "./registry-host.ts";
import type { Errand, Transport } from "./transport.ts";

export interface RepositoryOptions {
  readonly transport: Transport;
  readonly limits: Limits;
  readonly cache: BytesCache;
  readonly turns: ByteTurns;
  readonly referrersMemory: ReferrersMemory;
  readonly tagPrefix: string | undefined;
  readonly listings: ListingMemory;
  readonly candidates: CandidateMemory;
}

const accept = manifestTypes.join(", ");
const okOrMissing = (status: number): boolean => status === 200 || status === 404;

/** A repository of a registry, for one errand. What it reads by digest is what that digest names, or it throws. */
export function registryRepository(
  name: string,
  location: Location,
  errand: Errand,
  options: RepositoryOptions,
): Repository {
  const { transport, limits, cache } = options;
  const manifest = (reference: string): Promise<Document | undefined> =>
    fetchManifest(reference, location, errand, options);
  const byDigest = digestReader(name, location, options);

  async function manifestByDigest(digest: Digest): Promise<Document | undefined> {
    let saidManifest = true;
    const from = { place: "manifests", limit: limits.manifestBytes } as const;
    const bytes = await byDigest(digest, from, async () => {
      const document = await manifest(digest);
      saidManifest = document?.saidManifest ?? true;
      return document?.bytes;
    });
    return bytes === undefined ? undefined : { bytes, digest, saidManifest };
  }

  return {
    name,
    host: location.host,
    tagPrefix: options.tagPrefix,
    candidates: options.candidates,
    async manifestByTag(tag, of) {
      if (of === "image") return keepDocument(await manifest(tag), cache);
      // Who may not see a tag does not learn of it from what others saw.
      const key = [location, tag, errand.access];
      const known = options.listings.tags.get(key);
      if (known === "absent") return undefined;
      // What is gone by now has made room for something else: the tag says for what.
      const kept = known === undefined ? undefined : await manifestByDigest(known);
      if (kept !== undefined) return kept;
      const document = await keepDocument(await manifest(tag), cache);
      if (hangsThere(document)) options.listings.tags.set(key, document?.digest ?? "absent");
      return document;
    },
    manifestByDigest,
    blob({ digest, size }: Wanted) {
      const limit = Math.min(size, limits.layerBytes);
      return byDigest(digest, { place: "blobs", limit }, async () => {
        const get = { location, accept: "*/*", limit, expect: okOrMissing };
        const incoming = await transport({ ...get, path: `blobs/${digest}` }, errand);
        return incoming.status === 404 ? undefined : incoming.bytes;
      });
    },
    async referrers(digest) {
      const key = [location, digest, errand.access];
      const known = options.listings.referrers.get(key);
      if (known !== undefined) return { entries: known };
      const listed = await listReferrers(digest, location, errand, options);
      if (listed !== "unsupported" && listed.failure === undefined)
        options.listings.referrers.set(key, listed.entries);
      return listed;
    },
  };
}

async function keepDocument(
  document: Document | undefined,
  cache: BytesCache,
): Promise<Document | undefined> {
  if (document !== undefined) await cache.set(document.digest, document.bytes);
  return document;
}

/** What is no manifest (a proxy's login page, half of an answer) is not what hangs there. */
function hangsThere(document: Document | undefined): boolean {
  return document === undefined || parseManifest(document.bytes).kind !== "malformed";
}

async function fetchManifest(
  reference: string,
  location: Location,
  errand: Errand,
  { transport, limits, turns }: RepositoryOptions,
): Promise<Document | undefined> {
  const get = { location, accept, limit: limits.manifestBytes, expect: okOrMissing };
  const incoming = await transport({ ...get, path: `manifests/${reference}` }, errand);
  if (incoming.status === 404) return undefined;
  const said = (incoming.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  // The `Docker-Content-Digest` header is never looked at: a registry may say what it likes, the bytes decide.
  return {
    bytes: incoming.bytes,
    digest: await digestOf(incoming.bytes, turns),
    saidManifest: manifestTypes.includes(said),
  };
}

type Fetch = () => Promise<Uint8Array | undefined>;

/** What beside the digest decides how a request ends. */
interface From {
  readonly place: "manifests" | "blobs";
  readonly limit: number;
}

/** Reads by digest: from the cache or by `fetch`, and hashed in either case. */
function digestReader(
  name: string,
  location: Location,
  { cache, turns }: RepositoryOptions,
): (digest: Digest, from: From, fetch: Fetch) => Promise<Uint8Array | undefined> {
  // Two signatures over one payload name the same blob: it is asked for once. Who names it with a smaller size, or as a
  // manifest, gets an answer of his own: it must not become that of those who name it rightly.
  const underWay = new Map<string, Promise<Uint8Array | undefined>>();

  async function read(digest: Digest, fetch: Fetch): Promise<Uint8Array | undefined> {
    const kept = await cache.get(digest);
    if (kept !== undefined && (await matchesDigest(kept, digest, turns))) return kept;
    const bytes = await fetch();
    if (bytes === undefined) return undefined;
    if (!(await matchesDigest(bytes, digest, turns))) {
      const message = `\`${location.host}\` sent other bytes than \`${digest}\` of \`${name}\` names`;
      throw new SourceError("digestMismatch", message, { origin: location.host });
    }
    await cache.set(digest, bytes);
    return bytes;
  }

  return (digest, { place, limit }, fetch) => {
    const key = `${place} ${digest} ${limit}`;
    const running = underWay.get(key) ?? read(digest, fetch);
    underWay.set(key, running);
    return running;
  };
}
