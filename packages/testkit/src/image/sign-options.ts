import { type HashName, hashNames } from "../signing/signing-key.ts";
import type { Signer } from "../sigstore/signer.ts";
import type { TimestampAuthority } from "../sigstore/timestamp.ts";
import {
  type EntryKind,
  entryKinds,
  type LogEntry,
  type LogRequest,
  type TransparencyLog,
} from "../sigstore/transparency-log.ts";
import { checkOneOf, TestkitError } from "../testkit-error.ts";

const formats = ["legacy", "oci11", "bundle-v0.1", "bundle-v0.2", "bundle-v0.3"] as const;

/** How signatures and attestations are stored beside an image. */
export type Format = (typeof formats)[number];

/** How one signature or attestation is made. Everything has the default of `cosign sign` with a key and no log. */
export interface SignOptions {
  /** `legacy`: `.sig`/`.att` tags; `oci11`: cosign's artifacts as referrers; bundles as referrers. Default `legacy`. */
  readonly format?: Format;
  /** Bundles only: an in-toto statement, or a plain signature over the image manifest. Default `dsse`. */
  readonly content?: "dsse" | "message";
  /** Default `sha256`. */
  readonly hash?: HashName;
  /** Signed annotations (signatures only). */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where it is logged. Default: the signer's own log, if it has one; `false`: nowhere. */
  readonly log?: TransparencyLog | readonly TransparencyLog[] | false;
  /** Which evidence of inclusion is kept. Default: what the format can carry. */
  readonly logEvidence?: "promise" | "proof" | "both";
  /** Default: what cosign records, `hashedrekord` for claims and in Rekor v2, `dsse` for statements. */
  readonly entryKind?: EntryKind;
  /** Who timestamps it. Default: the signer's own authority, if it has one; `false`: nobody. */
  readonly timestampAuthority?: TimestampAuthority | readonly TimestampAuthority[] | false;
  /** When it is logged and timestamped. Default: the clock. */
  readonly at?: Date;
  /** Bundles only: carry the certificate chain, as v0.1 and v0.2 do. Default: in v0.1 and v0.2. */
  readonly withChain?: boolean;
  /** Changes on the way, for variants that a verifier must refuse. */
  readonly edit?: Edits;
}

/** Each hook sees one stage and returns what takes its place. `Uint8Array` results are used as they are. */
export interface Edits {
  /** The claim or statement, before it is signed. */
  readonly payload?: (value: Record<string, unknown>) => unknown;
  /** DSSE payload type that is signed. */
  readonly payloadType?: string;
  /** The raw signature, before it is logged and stored. */
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  /** The DSSE envelope, after signing, before it is logged and stored. */
  readonly envelope?: (envelope: Record<string, unknown>) => unknown;
  /** What the log is asked to record. */
  readonly logRequest?: (request: LogRequest) => LogRequest;
  /** The body that the log records. */
  readonly logBody?: (body: Record<string, unknown>) => unknown;
  /** The entry, after the log signed it. */
  readonly entry?: (entry: LogEntry) => LogEntry;
  /** The timestamp response. */
  readonly timestamp?: (response: Uint8Array) => Uint8Array;
  /** Legacy: the bytes of the layer, and the annotations of its descriptor. */
  readonly layer?: (bytes: Uint8Array) => Uint8Array;
  readonly layerAnnotations?: (
    annotations: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string>>;
  /** The finished bundle. */
  readonly bundle?: (bundle: Record<string, unknown>) => unknown;
}

/** Something signed, ready to hang on an image. */
export type SignedArtifact =
  | {
      readonly kind: "legacy";
      readonly holds: "signature" | "attestation";
      /** `.sig`/`.att` tag, or a referrer. */
      readonly shelf: "tag" | "referrer";
      readonly payload: Uint8Array;
      readonly mediaType: string;
      readonly annotations: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "bundle";
      readonly holds: "signature" | "attestation";
      readonly bytes: Uint8Array;
      readonly mediaType: string;
      /** Unsigned hints on the referrer's manifest. */
      readonly annotations: Readonly<Record<string, string>>;
    };

/** Throws `badOption` for what would otherwise be signed in another way than the test means, or not at all. */
export function checkSigning(signer: Signer, options: SignOptions): void {
  checkSigner(signer);
  checkOneOf(formats, options.format, "format");
  checkOneOf(["dsse", "message"], options.content, "content of a bundle");
  checkOneOf(hashNames, options.hash, "hash");
  checkOneOf(["promise", "proof", "both"], options.logEvidence, "evidence of a log");
  checkOneOf(entryKinds, options.entryKind, "kind of log entry");
}

function checkSigner(signer: unknown): void {
  if (typeof signer === "object" && signer !== null && "privateKey" in signer && "spki" in signer) return;
  throw new TestkitError("badOption", "this is no signer: use createKey(), identity() or certify()");
}
