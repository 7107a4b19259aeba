import type { Digest } from "@assay/image";
import type { Limits } from "../oci/limits.ts";
import { type Descriptor, parseManifest } from "../oci/manifest.ts";
import type { Referrers } from "../oci/repository.ts";
import { SourceError, shown } from "../source-error.ts";
import type { DigestMemory } from "./digest-memory.ts";
import type { Incoming } from "./exchange.ts";
import type { Location } from "./registry-host.ts";
import { type Errand, errorCodeIn, type Transport } from "./transport.ts";

/**
 * Repositories that have no referrers API, for a short while: bounded, and never an absence of one image's referrers.
 * Not hosts: behind one name there can be several registries, and attestations that are not looked for are not judged.
 */
export type ReferrersMemory = Pick<DigestMemory<true>, "get" | "set">;

interface Means {
  readonly transport: Transport;
  readonly limits: Limits;
  readonly referrersMemory: ReferrersMemory;
}

const indexType = "application/vnd.oci.image.index.v1+json";
/** What registries without the API answer; 400 and 406 as go-containerregistry treats them. */
const absent = new Set([400, 404, 405, 406, 501]);
const repositoryErrors = new Set([
  "NAME_UNKNOWN",
  "NAME_INVALID",
  "MANIFEST_UNKNOWN",
  "DIGEST_INVALID",
  "DENIED",
]);

/**
 * All referrers of a digest, page after page; where a further page cannot be had, those before it and why. Throws where
 * there is not even a first one, and where the pages make no sense: who lists in circles is not believed at all.
 * `unsupported`: the registry has no referrers API (or does not know the repository), so the fallback tag counts.
 */
export async function listReferrers(
  digest: Digest,
  location: Location,
  errand: Errand,
  means: Means,
): Promise<Referrers | "unsupported"> {
  const memoryKey = [location, errand.access];
  if (means.referrersMemory.get(memoryKey) === true) return "unsupported";
  // Who lists one thing a hundred times must not fill the limit with it: what stands on later pages would be lost.
  const entries = new Map<Digest, Descriptor>();
  const visited = new Set<string>();
  let path: string | undefined = `referrers/${digest}`;
  while (path !== undefined) {
    if (visited.has(path)) throw endless(location, "its pages of referrers go round in a circle");
    visited.add(path);
    const isFirst = visited.size === 1;
    const incoming: Incoming | SourceError = await page(path, location, errand, means).catch(asFailure);
    if (incoming instanceof SourceError) {
      if (isFirst) throw incoming;
      return { entries: [...entries.values()], failure: incoming };
    }
    if (absent.has(incoming.status)) {
      if (!isFirst) throw endless(location, `a page of referrers answered ${incoming.status}`);
      if (saysNoApi(incoming)) means.referrersMemory.set(memoryKey, true);
      return "unsupported";
    }
    for (const entry of entriesOf(incoming, location)) entries.set(entry.digest, entry);
    // One over the limit is enough to know: the reader then says `tooMany`.
    if (entries.size > means.limits.referrers) break;
    if (visited.size > means.limits.referrers) throw endless(location, "its pages of referrers do not end");
    path = nextPage(incoming, location);
  }
  return { entries: [...entries.values()] };
}

function asFailure(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  throw error;
}

function page(path: string, location: Location, errand: Errand, means: Means): Promise<Incoming> {
  const expect = (status: number): boolean => status === 200 || absent.has(status);
  const get = { location, path, accept: indexType, limit: means.limits.manifestBytes, expect };
  return means.transport(get, errand);
}

/** An unknown repository or image says nothing about the API: others may have referrers, or it in a moment. */
function saysNoApi(incoming: Incoming): boolean {
  return !repositoryErrors.has(errorCodeIn(incoming.bytes) ?? "");
}

function entriesOf(incoming: Incoming, location: Location): readonly Descriptor[] {
  const index = parseManifest(incoming.bytes);
  if (index.kind === "index") return index.manifests;
  const why = index.kind === "malformed" ? index.message : "it is an image";
  const message = `\`${location.host}\` answered the referrers request with something else than an index: ${why}`;
  throw new SourceError("unavailable", message, { origin: location.host, status: incoming.status });
}

const isNext = /;[ \t]*rel[ \t]*=[ \t]*(?:next\b|"(?:[^"]* )?next(?: [^"]*)?")/i;

/** The next page by the `Link` header: on the same host and about the same repository, or it is refused. */
function nextPage(incoming: Incoming, location: Location): string | undefined {
  const link = incoming.headers.get("link");
  if (link === null) return undefined;
  // `rel` may stand behind other parameters, and name several relations. What says `next` and cannot be read is no end.
  const links = [...link.matchAll(/<([^<>]{1,4096})>([^<>]*)/g)];
  const target = links.find(([, , parameters = ""]) => isNext.test(parameters))?.[1];
  if (target === undefined) {
    if (!/\bnext\b/i.test(link.replace(/<[^<>]*>/g, ""))) return undefined;
    throw endless(location, `its next page of referrers cannot be read: \`${incoming.said(link)}\``);
  }
  const url = URL.canParse(target, incoming.url.href) ? new URL(target, incoming.url) : undefined;
  const prefix = `/v2/${location.path}/referrers/`;
  if (url === undefined || url.origin !== incoming.url.origin || !url.pathname.startsWith(prefix)) {
    throw endless(location, `its next page of referrers is elsewhere: \`${incoming.said(target)}\``);
  }
  // The next request may go with another token: this one would stand in the addresses that are told of it.
  const cursor = `${url.pathname.slice(prefix.length)}${url.search}`;
  if (incoming.said(cursor, cursor.length) !== shown(cursor, cursor.length))
    throw endless(location, "its next page of referrers repeats the credentials that it was sent");
  return `${url.pathname}${url.search}`;
}

function endless(location: Location, why: string): SourceError {
  return new SourceError("unavailable", `\`${location.host}/${location.path}\`: ${why}`, {
    status: 200,
    origin: location.host,
  });
}
