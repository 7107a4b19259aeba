import { createHash } from "node:crypto";

/** A content descriptor as manifests, indexes and referrers lists carry it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A stored manifest or index: the exact bytes that were pushed, and what the referrers API needs of them. */
export interface StoredManifest {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly mediaType: string;
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Upload {
  readonly chunks: Uint8Array[];
  size: number;
}

/** One repository: manifests by digest, tags, blobs, open uploads. */
export interface RepositoryStore {
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, string>;
  readonly blobs: Map<string, Uint8Array>;
  readonly uploads: Map<string, Upload>;
}

/** What a registry keeps, by repository path. */
export type Store = Map<string, RepositoryStore>;

/** `sha256:` (or sha384, sha512) and the hex digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: "sha256" | "sha384" | "sha512" = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** The repository of that path, made on first use. */
export function repositoryOf(store: Store, path: string): RepositoryStore {
  const known = store.get(path);
  if (known !== undefined) return known;
  const made: RepositoryStore = {
    manifests: new Map(),
    tags: new Map(),
    blobs: new Map(),
    uploads: new Map(),
  };
  store.set(path, made);
  return made;
}

/** Keeps a manifest as pushed. Nothing is checked: tests push what an attacker would. */
export function putManifest(
  repository: RepositoryStore,
  bytes: Uint8Array,
  options: { readonly mediaType?: string | undefined; readonly reference?: string | undefined } = {},
): StoredManifest {
  const head = readHead(bytes);
  const algorithm = algorithmOf(options.reference);
  const manifest: StoredManifest = {
    ...head,
    bytes,
    digest: digestOf(bytes, algorithm),
    mediaType: options.mediaType ?? head.mediaType ?? "application/vnd.oci.image.manifest.v1+json",
  };
  repository.manifests.set(manifest.digest, manifest);
  if (options.reference !== undefined && !options.reference.includes(":"))
    repository.tags.set(options.reference, manifest.digest);
  return manifest;
}

/** A manifest by tag or digest. */
export function findManifest(
  repository: RepositoryStore | undefined,
  reference: string,
): StoredManifest | undefined {
  if (repository === undefined) return undefined;
  const digest = reference.includes(":") ? reference : repository.tags.get(reference);
  return digest === undefined ? undefined : repository.manifests.get(digest);
}

/** The descriptors that the referrers API lists for `subject`, in the order they were pushed. */
export function referrersOf(repository: RepositoryStore | undefined, subject: string): readonly Descriptor[] {
  const found: Descriptor[] = [];
  for (const manifest of repository?.manifests.values() ?? []) {
    if (manifest.subject === subject) found.push(describe(manifest));
  }
  return found;
}

/** The descriptor of a stored manifest, with artifact type and annotations as OCI 1.1 wants them in a referrers list. */
export function describe(manifest: StoredManifest): Descriptor {
  return {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
}

/** The hash that a digest is of. A tag's manifests go by SHA-256. */
export function algorithmOf(reference: string | undefined): "sha256" | "sha384" | "sha512" {
  if (reference?.startsWith("sha512:") === true) return "sha512";
  return reference?.startsWith("sha384:") === true ? "sha384" : "sha256";
}

interface Head {
  readonly mediaType?: string;
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** OCI 1.1: the artifact type is the manifest's own, else its config's media type. */
function readHead(bytes: Uint8Array): Head {
  const root = parseObject(bytes);
  const subject = textAt(objectAt(root, "subject"), "digest");
  const artifactType = textAt(root, "artifactType") ?? textAt(objectAt(root, "config"), "mediaType");
  const mediaType = textAt(root, "mediaType");
  const annotations = objectAt(root, "annotations");
  return {
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(subject === undefined ? {} : { subject }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations: textsOf(annotations) }),
  };
}

function parseObject(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // pushed all the same: a broken manifest is a test case
  }
}

function objectAt(value: object | undefined, key: string): object | undefined {
  const found: unknown = value === undefined ? undefined : Object.getOwnPropertyDescriptor(value, key)?.value;
  return typeof found === "object" && found !== null ? found : undefined;
}

function textAt(value: object | undefined, key: string): string | undefined {
  const found: unknown = value === undefined ? undefined : Object.getOwnPropertyDescriptor(value, key)?.value;
  return typeof found === "string" ? found : undefined;
}

function textsOf(value: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === "string"));
}
