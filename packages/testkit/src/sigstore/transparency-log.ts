import type { Handler } from "../registry/host-fetch.ts";
import type { HashName, SigningKey } from "../signing/signing-key.ts";

/** Entry types of Rekor v1 and v2. The v2 log knows the first two. */
export const entryKinds = ["hashedrekord", "dsse", "intoto001", "intoto002", "rekord"] as const;
/** An entry type by its name. */
export type EntryKind = (typeof entryKinds)[number];

/** What is to be recorded about one signature. */
export interface LogRequest {
  readonly entryKind: EntryKind;
  readonly signature: Uint8Array;
  /** The bytes that were signed: an artifact, a claim, or (DSSE) the pre-authentication encoding. */
  readonly signed: Uint8Array;
  /** What the signature hashed them with: the log verifies by the digest that it records. Default `sha256`. */
  readonly hash?: HashName | undefined;
  /** The certificate or public key that verifies it, DER. */
  readonly verifier: {
    readonly kind: "certificate" | "publicKey";
    readonly der: Uint8Array;
    readonly key: SigningKey;
  };
  /** For DSSE: the payload and the bytes of the whole envelope. */
  readonly dsse?: {
    readonly payload: Uint8Array;
    readonly payloadType: string;
    readonly envelope: Uint8Array;
  };
  /** The last word on the body, before it is logged and signed. */
  readonly editBody?: ((body: Record<string, unknown>) => unknown) | undefined;
}

export interface RecordOptions {
  /** Integrated time. Default: the clock. */
  readonly at?: Date | undefined;
  /** Which evidence of inclusion the entry carries; Rekor v2 always gives the proof only. Default `both`. */
  readonly evidence?: "promise" | "proof" | "both" | undefined;
}

/** One entry with its evidence of inclusion. */
export interface LogEntry {
  readonly kind: string;
  readonly version: string;
  readonly body: Uint8Array;
  /** Seconds; 0 where the log gives no time (v2). */
  readonly integratedTime: number;
  readonly logIndex: number;
  readonly logId: Uint8Array;
  /** Signed entry timestamp. */
  readonly promise?: Uint8Array;
  readonly proof?: {
    readonly logIndex: number;
    readonly treeSize: number;
    readonly rootHash: Uint8Array;
    readonly hashes: readonly Uint8Array[];
    readonly checkpoint: string;
  };
}

/** A log that records signatures and vouches for them. */
export interface TransparencyLog {
  readonly version: 1 | 2;
  readonly key: SigningKey;
  readonly id: Uint8Array;
  /** Name in checkpoints. */
  readonly origin: string;
  readonly baseUrl: string;
  record(request: LogRequest, options?: RecordOptions): LogEntry;
  /** The raw parts, for hand-made entries: a promise and a checkpoint over anything. */
  signPromise(entry: Pick<LogEntry, "body" | "integratedTime" | "logIndex" | "logId">): Uint8Array;
  signCheckpoint(note: string): string;
  /** Rekor v1's API, as far as cosign logs and searches by it, over what was recorded. A v2 log answers 404. */
  readonly handle: Handler;
}
