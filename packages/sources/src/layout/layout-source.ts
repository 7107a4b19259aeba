import type { Answer, EvidenceLookup, EvidenceSource, FetchOptions } from "@assay/engine";
import { type Check, checkOptions, words } from "../check-options.ts";
import { answerFrom, repositoryOf } from "../oci/answer-from.ts";
import { type Limits, limitsOf } from "../oci/limits.ts";
import type { Repository } from "../oci/repository.ts";
import { someLimits } from "../registry/check-registry-options.ts";
import { failedAnswer, SourceError } from "../source-error.ts";
import { isIn, type LayoutContents, readBlob, readContents, tagOf } from "./layout-contents.ts";
import type { LayoutFiles } from "./layout-files.ts";
import { openLayout } from "./open-layout.ts";

export interface LayoutOptions {
  /** An OCI layout directory, or a tar file of one. */
  readonly path: string;
  /** Answer for this registry only (`host[:port]`). Default: for every registry whose repository the layout holds. */
  readonly registry?: string;
  /** Put before the tags of signatures and attestations (`<prefix>sha256-<hex>.sig`). Default none. */
  readonly tagPrefix?: string;
  readonly limits?: Partial<Limits>;
}

const known: Readonly<Record<keyof LayoutOptions, Check>> = {
  ...{ path: words, registry: words, limits: someLimits },
  tagPrefix: [(value) => typeof value === "string", "text"],
};

/**
 * Reads images and what hangs on them from an OCI layout, without network. The layout is read once; bytes are hashed
 * at every read. An image that is not in it is `notFound`.
 *
 * Repositories are told apart by the annotation `dev.assay.repository` of the entries in `index.json`.
 */
export function layoutSource(options: LayoutOptions | string): EvidenceSource {
  checkOptions(typeof options === "string" ? { path: options } : options, known);
  const {
    path,
    registry,
    tagPrefix,
    limits: given,
  } = typeof options === "string" ? { path: options } : options;
  const limits = limitsOf(given);
  let loaded: Promise<{ files: LayoutFiles; contents: LayoutContents }> | undefined;

  async function load(): Promise<{ files: LayoutFiles; contents: LayoutContents }> {
    const files = await openLayout(path);
    return { files, contents: await readContents(files, limits) };
  }

  return {
    async fetch<K extends EvidenceLookup["kind"]>(
      lookup: Extract<EvidenceLookup, { kind: K }>,
      { signal }: FetchOptions,
    ): Promise<Answer<K>> {
      signal.throwIfAborted();
      try {
        // A layout that could not be read is tried again: it may appear later.
        loaded ??= load().catch((error: unknown) => {
          loaded = undefined;
          throw error;
        });
        const layout = await loaded;
        const name = repositoryOf(lookup);
        const isOurs = registry === undefined || name.startsWith(`${registry}/`);
        const contents = isOurs ? layout.contents : { entries: [], bySubject: new Map() };
        const value = await answerFrom(
          layoutRepository(name, { ...layout, contents, tagPrefix }, limits),
          lookup,
          limits,
        );
        return { ok: true, value, requests: 0 } as Answer<K>; // `answerFrom` answers each kind with its own value.
      } catch (error) {
        return { ...failedAnswer(error), requests: 0 };
      }
    },
  };
}

function layoutRepository(
  name: string,
  layout: {
    readonly files: LayoutFiles;
    readonly contents: LayoutContents;
    readonly tagPrefix: string | undefined;
  },
  limits: Limits,
): Repository {
  const { files, contents, tagPrefix } = layout;
  return {
    name,
    host: files.path,
    tagPrefix,
    async manifestByTag(tag) {
      const found = contents.entries.filter((entry) => isIn(entry, name) && tagOf(entry) === tag);
      if (new Set(found.map(({ digest }) => digest)).size > 1) {
        const message = `\`${files.path}\` has several images for \`${name}:${tag}\``;
        throw new SourceError("unavailable", message, { origin: files.path });
      }
      return found[0] === undefined ? undefined : this.manifestByDigest(found[0].digest);
    },
    async manifestByDigest(digest) {
      const bytes = await readBlob(digest, limits.manifestBytes, files);
      return bytes === undefined ? undefined : { bytes, digest, saidManifest: true };
    },
    blob: ({ digest, size }) => readBlob(digest, Math.min(size, limits.layerBytes), files),
    async referrers(digest) {
      return { entries: (contents.bySubject.get(digest) ?? []).filter((entry) => isIn(entry, name)) };
    },
  };
}
