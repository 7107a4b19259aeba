import { randomUUID } from "node:crypto";
import { empty, refusal, tooLarge } from "./answer.ts";
import { readRequest } from "./request-body.ts";
import type { Route } from "./route.ts";
import type { RepositoryStore } from "./store.ts";
import { algorithmOf, digestOf, repositoryOf } from "./store.ts";

/** Blob uploads: monolithic POST, POST then PUT, chunked PATCH then PUT, cross-repository mount. */
export async function handleUpload(at: Route): Promise<Response> {
  const body = await readRequest(at.request, at.options.maxUploadBytes);
  if (body === undefined) return tooLarge("blob");
  if (at.request.method === "POST") return start(at, repositoryOf(at.store, at.repository), body);
  // Whoever asks for an upload that nobody began does not make a repository.
  const repository = at.store.get(at.repository);
  if (repository === undefined) return refusal(404, "NAME_UNKNOWN", "Unknown name");
  switch (at.request.method) {
    case "PATCH":
      return append(at, repository, body);
    case "PUT":
      return finish(at, repository, body);
    case "GET":
      return progress(at, repository, 204);
    case "DELETE":
      return empty(repository.uploads.delete(at.reference) ? 204 : 404);
    default:
      return refusal(405, "UNSUPPORTED", `no ${at.request.method} for uploads`);
  }
}

function start(at: Route, repository: RepositoryStore, body: Uint8Array): Response {
  const mount = at.url.searchParams.get("mount");
  const mounted =
    mount === null ? undefined : at.store.get(at.url.searchParams.get("from") ?? "")?.blobs.get(mount);
  if (mount !== null && mounted !== undefined) {
    repository.blobs.set(mount, mounted);
    return created(at, mount);
  }
  const digest = at.url.searchParams.get("digest");
  if (digest !== null) return keep(at, { repository, digest, bytes: body });
  const id = randomUUID();
  repository.uploads.set(id, { chunks: [], size: 0 });
  return progress({ ...at, reference: id }, repository, 202);
}

function append(at: Route, repository: RepositoryStore, body: Uint8Array): Response {
  const upload = repository.uploads.get(at.reference);
  if (upload === undefined) return refusal(404, "BLOB_UPLOAD_UNKNOWN", "Unknown upload");
  const range = /^(?:bytes )?(\d+)-/.exec(at.request.headers.get("content-range") ?? "")?.[1];
  if (range !== undefined && Number(range) !== upload.size)
    return refusal(416, "BLOB_UPLOAD_INVALID", `expected a chunk that starts at ${upload.size}`);
  if (upload.size + body.length > at.options.maxUploadBytes) return tooLarge("blob");
  upload.chunks.push(body);
  upload.size += body.length;
  return progress(at, repository, 202);
}

function finish(at: Route, repository: RepositoryStore, body: Uint8Array): Response {
  const upload = repository.uploads.get(at.reference);
  if (upload === undefined) return refusal(404, "BLOB_UPLOAD_UNKNOWN", "Unknown upload");
  const digest = at.url.searchParams.get("digest");
  if (digest === null) return refusal(400, "DIGEST_INVALID", "no digest given");
  repository.uploads.delete(at.reference);
  return keep(at, { repository, digest, bytes: Buffer.concat([...upload.chunks, body]) });
}

function keep(
  at: Route,
  blob: { readonly repository: RepositoryStore; readonly digest: string; readonly bytes: Uint8Array },
): Response {
  if (blob.bytes.length > at.options.maxUploadBytes) return tooLarge("blob");
  const actual = digestOf(blob.bytes, algorithmOf(blob.digest));
  if (actual !== blob.digest) return refusal(400, "DIGEST_INVALID", `the blob is ${actual}`);
  blob.repository.blobs.set(blob.digest, blob.bytes);
  return created(at, blob.digest);
}

function created(at: Route, digest: string): Response {
  return empty(201, { location: `/v2/${at.repository}/blobs/${digest}`, "docker-content-digest": digest });
}

function progress(at: Route, repository: RepositoryStore, status: number): Response {
  const upload = repository.uploads.get(at.reference);
  if (upload === undefined) return refusal(404, "BLOB_UPLOAD_UNKNOWN", "Unknown upload");
  return empty(status, {
    location: `/v2/${at.repository}/blobs/uploads/${at.reference}`,
    "docker-upload-uuid": at.reference,
    range: `0-${Math.max(0, upload.size - 1)}`,
  });
}
