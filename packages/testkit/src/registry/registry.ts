import { TestkitError } from "../testkit-error.ts";
import { authGate, type RegistryAuth } from "./auth.ts";
import { type Fault, faultList, pathOf } from "./faults.ts";
import { type Handler, hostFetch } from "./host-fetch.ts";
import { route } from "./routes.ts";
import { listen, type RunningServer } from "./server.ts";
import {
  type Descriptor,
  describe,
  digestOf,
  findManifest,
  putManifest,
  type RepositoryStore,
  repositoryOf,
  type Store,
} from "./store.ts";

/** How a registry is set up. */
export interface RegistryOptions {
  /** The host that its `fetch` answers for, with a port where there is one. Default `registry.test`. */
  readonly host?: string;
  /** Off: `…/referrers/…` answers 404, as older registries do. Default true. */
  readonly referrersApi?: boolean;
  readonly auth?: RegistryAuth;
  /** Descriptors per page of a referrers list. Default 100. */
  readonly pageSize?: number;
  /** Largest upload, in bytes. Default 256 MiB. */
  readonly maxUploadBytes?: number;
}

/** One request that the registry was asked, in order. */
export interface RequestRecord {
  readonly method: string;
  readonly host: string;
  /** Path and query. */
  readonly path: string;
  /** 0 where no answer was sent. */
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Tag and media type of a pushed manifest. */
export interface PushOptions {
  readonly tag?: string;
  /** Default: what the manifest says. */
  readonly mediaType?: string;
}

/** An OCI registry in memory. Everything behind one handler: `fetch` and the loopback server answer alike. */
export interface Registry {
  readonly host: string;
  /** Whether it answers the referrers API; without, what hangs on an image is found by tag. */
  readonly referrersApi: boolean;
  /** Reaches this registry only; see `hostFetch` for several. */
  readonly fetch: typeof fetch;
  readonly handle: Handler;
  /** Every request so far. */
  readonly requests: readonly RequestRecord[];
  forgetRequests(): void;
  /** Makes matching requests go wrong; the returned function mends it. */
  inject(fault: Fault): () => void;
  /** Serves the same registry on 127.0.0.1. Default port: any free one. */
  listen(port?: number): Promise<RunningServer>;
  pushBlob(repository: string, bytes: Uint8Array | string, mediaType?: string): Descriptor;
  /** A value is pushed as JSON, bytes as they are. */
  pushManifest(repository: string, manifest: Uint8Array | object, options?: PushOptions): Descriptor;
  tag(repository: string, tag: string, digest: string): void;
  /** The bytes of a manifest by tag or digest. */
  manifest(repository: string, reference: string): Uint8Array | undefined;
  blob(repository: string, digest: string): Uint8Array | undefined;
  blobs(): readonly { readonly digest: string; readonly bytes: Uint8Array }[];
  /** Every manifest with its repository and, where it has one, its tag. */
  manifests(): readonly {
    readonly repository: string;
    readonly tag?: string;
    readonly descriptor: Descriptor;
  }[];
  /** Repositories and their tags. */
  tags(): Readonly<Record<string, readonly string[]>>;
}

/** An empty registry. */
export function createRegistry(options: RegistryOptions = {}): Registry {
  const host = options.host ?? "registry.test";
  if (host.includes("/"))
    throw new TestkitError("badOption", `\`${host}\` is no host: leave out scheme and path`);
  const store: Store = new Map();
  const requests: RequestRecord[] = [];
  const faults = faultList();
  const handle = handlerOf({ store, requests, faults, options });
  return {
    host,
    referrersApi: options.referrersApi ?? true,
    handle,
    fetch: hostFetch({ [host]: handle }),
    requests,
    forgetRequests: () => requests.splice(0),
    inject: (fault) => faults.inject(fault),
    listen: (port) => listen(handle, port),
    pushBlob: (repository, content, mediaType = "application/octet-stream") => {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      const digest = digestOf(bytes);
      repositoryOf(store, repository).blobs.set(digest, bytes);
      return { mediaType, digest, size: bytes.length };
    },
    pushManifest: (repository, manifest, { tag, mediaType } = {}) => {
      const bytes =
        manifest instanceof Uint8Array ? manifest : new TextEncoder().encode(JSON.stringify(manifest));
      return describe(putManifest(repositoryOf(store, repository), bytes, { mediaType, reference: tag }));
    },
    tag: (repository, tag, digest) => void repositoryOf(store, repository).tags.set(tag, digest),
    manifest: (repository, reference) => findManifest(store.get(repository), reference)?.bytes,
    blob: (repository, digest) => store.get(repository)?.blobs.get(digest),
    blobs: () =>
      [...store.values()].flatMap(({ blobs }) => [...blobs].map(([digest, bytes]) => ({ digest, bytes }))),
    manifests: () => [...store].flatMap(([path, repository]) => manifestsOf(path, repository)),
    tags: () => tagsOf(store),
  };
}

function manifestsOf(path: string, repository: RepositoryStore): ReturnType<Registry["manifests"]> {
  return [...repository.manifests.values()].flatMap((manifest) => {
    const entry = { repository: path, descriptor: describe(manifest) };
    const tags = [...repository.tags].filter(([, digest]) => digest === manifest.digest);
    return tags.length === 0 ? [entry] : tags.map(([tag]) => ({ ...entry, tag }));
  });
}

function tagsOf(store: Store): Readonly<Record<string, readonly string[]>> {
  const names = ([path, repository]: readonly [string, RepositoryStore]): readonly [
    string,
    readonly string[],
  ] => [path, [...repository.tags.keys()]];
  return Object.fromEntries([...store].map(names));
}

function handlerOf(world: {
  readonly store: Store;
  readonly requests: RequestRecord[];
  readonly faults: ReturnType<typeof faultList>;
  readonly options: RegistryOptions;
}): Handler {
  const gate = authGate(world.options.auth);
  const routes = {
    referrersApi: world.options.referrersApi ?? true,
    pageSize: world.options.pageSize ?? 100,
    maxUploadBytes: world.options.maxUploadBytes ?? 256 * 1024 * 1024,
  };
  return async (request) => {
    const url = new URL(request.url);
    const record = {
      method: request.method,
      host: url.host,
      path: pathOf(url),
      headers: Object.fromEntries(request.headers),
      status: 0,
    };
    world.requests.push(record);
    const answer = await world.faults.apply(
      request,
      async () => gate(request) ?? (await route(request, world.store, routes)),
    );
    record.status = answer.status;
    return answer;
  };
}
