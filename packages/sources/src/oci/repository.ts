import type { Digest } from "@assay/image";
import type { SourceError } from "../source-error.ts";
import type { CandidateMemory } from "./candidate-memory.ts";
import type { Descriptor } from "./manifest.ts";

/**
 * A document that was read. INVARIANT: `digest` was computed from `bytes`; where the document was asked for by
 * digest, it is that digest.
 */
export interface Document {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** False where whoever sent it said that it is something else than a manifest (say, HTML). */
  readonly saidManifest: boolean;
}

/** What is asked for by digest. */
export type Wanted = Pick<Descriptor, "digest" | "size">;

/** What is listed as a referrer. */
export interface Referrers {
  readonly entries: readonly Descriptor[];
  /** Why the list is not whole: a further page could not be had. */
  readonly failure?: SourceError;
}

/**
 * One repository of a registry or layout. `undefined` means that the thing does not exist; whatever else goes wrong
 * is thrown as a `SourceError`.
 */
export interface Repository {
  /** `registry/path` as asked, for origins. */
  readonly name: string;
  readonly host: string;
  /** Before `sha256-<hex>.sig` and `.att`; cosign and Kyverno call it the tag prefix. */
  readonly tagPrefix?: string | undefined;
  /** What was read before; absent: every reading is the first. */
  readonly candidates?: CandidateMemory;
  /** `shelf`: a tag that lists what hangs on an image, which may be remembered for a moment; `image` never is. */
  manifestByTag(tag: string, of: "image" | "shelf"): Promise<Document | undefined>;
  /** `size` absent: unknown. */
  manifestByDigest(digest: Digest, size?: number): Promise<Document | undefined>;
  blob(wanted: Wanted): Promise<Uint8Array | undefined>;
  /** What claims to have `digest` as subject. */
  referrers(digest: Digest): Promise<Referrers | "unsupported">;
}
