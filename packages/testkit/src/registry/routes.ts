import { bytes, empty, json, refusal, tooLarge } from "./answer.ts";
import { readRequest } from "./request-body.ts";
import type { Route, RouteOptions } from "./route.ts";
import type { Descriptor, Store } from "./store.ts";
import { algorithmOf, digestOf, findManifest, putManifest, referrersOf, repositoryOf } from "./store.ts";
import { handleUpload } from "./uploads.ts";

const PATH =
  /^\/v2\/(?<repository>[^?]+?)\/(?<kind>manifests|blobs\/uploads|blobs|referrers|tags)\/(?<reference>[^/?]*)$/;

/** Answers one request of the OCI distribution API 1.1. */
export async function route(request: Request, store: Store, options: RouteOptions): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/v2/" || url.pathname === "/v2")
    return json(200, {}, { "docker-distribution-api-version": "registry/2.0" });
  if (url.pathname === "/v2/_catalog") return json(200, { repositories: [...store.keys()] });
  const match = PATH.exec(url.pathname)?.groups;
  if (match === undefined) return refusal(404, "NOT_FOUND", `no such path: ${url.pathname}`);
  const { repository = "", kind = "" } = match;
  const reference = decoded(match["reference"] ?? "");
  if (reference === undefined) return refusal(404, "NOT_FOUND", `no such path: ${url.pathname}`);
  const at: Route = { request, url, repository, reference, store, options };
  if (kind === "manifests") return await handleManifest(at);
  if (kind === "blobs/uploads") return await handleUpload(at);
  if (kind === "blobs") return handleBlob(at);
  return kind === "referrers" ? handleReferrers(at) : handleTags(at);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

async function handleManifest(at: Route): Promise<Response> {
  if (at.request.method === "PUT") return await pushManifest(at);
  const repository = at.store.get(at.repository);
  if (repository === undefined) return refusal(404, "NAME_UNKNOWN", "Unknown name");
  const manifest = findManifest(repository, at.reference);
  if (manifest === undefined) return refusal(404, "MANIFEST_UNKNOWN", "Unknown manifest");
  if (at.request.method === "DELETE") {
    if (at.reference.includes(":")) repository.manifests.delete(at.reference);
    else repository.tags.delete(at.reference);
    return empty(202);
  }
  return bytes(200, manifest.bytes, {
    "content-type": manifest.mediaType,
    "docker-content-digest": manifest.digest,
  });
}

async function pushManifest(at: Route): Promise<Response> {
  const body = await readRequest(at.request, at.options.maxUploadBytes);
  if (body === undefined) return tooLarge("manifest");
  const digest = digestOf(body, algorithmOf(at.reference));
  if (at.reference.includes(":") && at.reference !== digest)
    return refusal(400, "DIGEST_INVALID", `the manifest is ${digest}`);
  const manifest = putManifest(repositoryOf(at.store, at.repository), body, {
    mediaType: at.request.headers.get("content-type") ?? undefined,
    reference: at.reference,
  });
  return empty(201, {
    location: `/v2/${at.repository}/manifests/${manifest.digest}`,
    "docker-content-digest": manifest.digest,
    ...(manifest.subject !== undefined && at.options.referrersApi ? { "oci-subject": manifest.subject } : {}),
  });
}

function handleBlob(at: Route): Response {
  const repository = at.store.get(at.repository);
  if (repository === undefined) return refusal(404, "NAME_UNKNOWN", "Unknown name");
  const blob = repository.blobs.get(at.reference);
  if (blob === undefined) return refusal(404, "BLOB_UNKNOWN", "Unknown blob");
  if (at.request.method === "DELETE") {
    repository.blobs.delete(at.reference);
    return empty(202);
  }
  return bytes(200, blob, {
    "content-type": "application/octet-stream",
    "docker-content-digest": digestOf(blob, algorithmOf(at.reference)),
  });
}

function handleReferrers(at: Route): Response {
  if (!at.options.referrersApi) return refusal(404, "NOT_FOUND", "this registry has no referrers API");
  const wanted = at.url.searchParams.get("artifactType");
  const all = referrersOf(at.store.get(at.repository), at.reference);
  const filtered = wanted === null ? all : all.filter((descriptor) => descriptor.artifactType === wanted);
  const offset = positive(at.url.searchParams.get("offset"), 0);
  const page = filtered.slice(offset, offset + at.options.pageSize);
  const next = new URL(at.url);
  next.searchParams.set("offset", String(offset + page.length));
  return json(200, indexOf(page), {
    "content-type": "application/vnd.oci.image.index.v1+json",
    ...(wanted === null ? {} : { "oci-filters-applied": "artifactType" }),
    ...(offset + page.length < filtered.length
      ? { link: `<${next.pathname}${next.search}>; rel="next"` }
      : {}),
  });
}

function handleTags(at: Route): Response {
  const repository = at.store.get(at.repository);
  if (repository === undefined || at.reference !== "list")
    return refusal(404, "NAME_UNKNOWN", "Unknown name");
  const last = at.url.searchParams.get("last") ?? "";
  const limit = positive(at.url.searchParams.get("n"), at.options.pageSize);
  const after = [...repository.tags.keys()].sort().filter((tag) => tag > last);
  const tags = after.slice(0, limit);
  const more = after.length > tags.length && tags.length > 0;
  const link = `</v2/${at.repository}/tags/list?n=${limit}&last=${tags.at(-1)}>; rel="next"`;
  return json(200, { name: at.repository, tags }, more ? { link } : {});
}

function positive(text: string | null, fallback: number): number {
  const value = text === null ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
}

/** An OCI image index of these descriptors, as the referrers API and the fallback tag hold it. */
export function indexOf(manifests: readonly Descriptor[]): {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
} {
  return { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
}
