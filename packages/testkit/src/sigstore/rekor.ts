import { json } from "@sigstore/core";
import { base64, jsonBytes, utf8 } from "../signing/encoding.ts";
import { createKey, hashBytes, type SigningKey, signBytes } from "../signing/signing-key.ts";
import { bodyV1, bodyV2 } from "./entry-body.ts";
import { inclusionPath, leafHash, rootHash } from "./merkle-tree.ts";
import { rekorHandler } from "./rekor-api.ts";
import type { LogEntry, TransparencyLog } from "./transparency-log.ts";

/** How a throwaway log is set up. */
export interface LogOptions {
  readonly clock: () => Date;
  readonly key?: SigningKey;
  /** Default `rekor.testkit.example`, for v2 `log2026.rekor.testkit.example`. */
  readonly host?: string;
}

// Entries that are already there, so that a proof has both left and right neighbours.
const SEED_LEAVES = ["zero", "one", "two", "three", "four"].map((text) => leafHash(utf8(text)));
/** A sharded log's index over all shards is not the index in the proof's tree. */
const EARLIER_SHARDS = 1000;

/** Rekor v1: signs an entry's time and index, and proves inclusion in a tree. */
export function createRekor(options: LogOptions): TransparencyLog {
  const key = options.key ?? createKey("p256");
  const id = hashBytes(key.spki);
  const host = options.host ?? "rekor.testkit.example";
  const origin = `${host} - 1193050959916656506`;
  const leaves = [...SEED_LEAVES];
  const recorded: LogEntry[] = [];
  const signCheckpoint = (note: string): string => signedNote(note, { name: host, key, id });
  const signPromise: TransparencyLog["signPromise"] = ({ body, integratedTime, logIndex, logId }) => {
    const logID = Buffer.from(logId).toString("hex");
    return signBytes(key, canonical({ body: base64(body), integratedTime, logIndex, logID }));
  };
  const add = ({ kind, version, body }: NewEntry, at: Date = options.clock()): ProvenEntry => {
    const proof = append(leaves, body, { origin, signCheckpoint });
    const entry = {
      ...{ kind, version, body, logId: id },
      integratedTime: Math.floor(at.getTime() / 1000),
      logIndex: EARLIER_SHARDS + proof.logIndex,
    };
    const proven = { ...entry, promise: signPromise(entry), proof };
    recorded.push(proven);
    return proven;
  };
  return {
    ...{ version: 1, key, id, origin, baseUrl: `https://${host}`, signPromise, signCheckpoint },
    handle: rekorHandler({ entries: () => recorded, add }),
    record(request, { at, evidence = "both" } = {}) {
      const { kind, version, body } = bodyV1(request);
      const bytes = canonical(request.editBody?.(body) ?? body);
      const { promise, proof, ...entry } = add({ kind, version, body: bytes }, at);
      return {
        ...entry,
        ...(evidence === "proof" ? {} : { promise }),
        ...(evidence === "promise" ? {} : { proof }),
      };
    },
  };
}

type NewEntry = Pick<LogEntry, "kind" | "version" | "body">;
type ProvenEntry = LogEntry & Required<Pick<LogEntry, "promise" | "proof">>;

/** Rekor v2: a tile log. Its proof is all there is; time has to come from elsewhere. */
export function createRekorV2(options: LogOptions): TransparencyLog {
  const key = options.key ?? createKey("ed25519");
  const origin = options.host ?? "log2026.rekor.testkit.example";
  const id = noteKeyId(origin, key);
  const leaves = [...SEED_LEAVES];
  const signCheckpoint = (note: string): string => signedNote(note, { name: origin, key, id });
  return {
    ...{ version: 2, key, id, origin, baseUrl: `https://${origin}`, signCheckpoint },
    signPromise: () => new Uint8Array(),
    handle: async () => new Response(null, { status: 404 }),
    record(request) {
      const { kind, version, body } = bodyV2(request);
      const bytes = canonical(request.editBody?.(body) ?? body);
      const proof = append(leaves, bytes, { origin, signCheckpoint });
      return { kind, version, body: bytes, integratedTime: 0, logIndex: proof.logIndex, logId: id, proof };
    },
  };
}

function append(
  leaves: Uint8Array[],
  body: Uint8Array,
  log: { readonly origin: string; readonly signCheckpoint: (note: string) => string },
): NonNullable<LogEntry["proof"]> {
  const logIndex = leaves.push(leafHash(body)) - 1;
  const root = rootHash(leaves);
  return {
    ...{ logIndex, treeSize: leaves.length, rootHash: root },
    hashes: inclusionPath(leaves, logIndex),
    checkpoint: log.signCheckpoint(`${log.origin}\n${leaves.length}\n${base64(root)}\n`),
  };
}

/** A signed note (C2SP): the text, an empty line, and one line per signature with the key's four-byte hint. */
export function signedNote(
  note: string,
  by: { readonly name: string; readonly key: SigningKey; readonly id: Uint8Array },
): string {
  const signature = Buffer.concat([by.id.slice(0, 4), signBytes(by.key, utf8(note))]);
  return `${note}\n\u2014 ${by.name} ${base64(signature)}\n`;
}

/**
 * The key id of a signed note, as Rekor v2 makes it (rekor-tiles, pkg/note): an ECDSA key's is the hash of the key alone.
 * Trusted roots carry all of it, signatures the first four bytes.
 */
function noteKeyId(name: string, { kind, spki }: SigningKey): Uint8Array {
  const id = (algorithm: Uint8Array, key: Uint8Array): Uint8Array =>
    hashBytes(Buffer.concat([utf8(`${name}\n`), algorithm, key]));
  if (kind === "ed25519") return id(Uint8Array.of(1), spki.slice(-32));
  if (kind.startsWith("rsa"))
    return id(Buffer.concat([Uint8Array.of(255), utf8("PKIX-RSA-PKCS#1v1.5")]), spki);
  return hashBytes(spki);
}

/** Canonical JSON, as the log signs and hashes it. Bytes are taken as they are. */
function canonical(value: unknown): Uint8Array {
  return value instanceof Uint8Array
    ? value
    : utf8(json.canonicalize(JSON.parse(Buffer.from(jsonBytes(value)).toString())));
}
