import { json } from "@sigstore/core";
import type { Handler } from "../registry/host-fetch.ts";
import { readRequest } from "../registry/request-body.ts";
import { base64, utf8 } from "../signing/encoding.ts";
import { hashBytes } from "../signing/signing-key.ts";
import { leafHash } from "./merkle-tree.ts";
import type { LogEntry } from "./transparency-log.ts";

const ENTRIES = "/api/v1/log/entries";
const RETRIEVE = `${ENTRIES}/retrieve`;
/** Bytes of a request: an envelope with a large statement, in base64. */
const MAX_BODY = 64 * 1024 * 1024;
/** Rekor's identifiers begin with the tree's: a shard's entries are told apart by it. */
const TREE = "108e9186e8c5677a";

/** What a proposed entry looks like once it is logged: `entries/retrieve` finds it by the hash of that. */
type Canonical = (spec: Fields) => unknown;
type Fields = Readonly<Record<string, unknown>>;

interface Proposed {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: Fields;
}

const CANONICAL: ReadonlyMap<string, Canonical> = new Map<string, Canonical>([
  ["hashedrekord", (spec) => spec],
  ["dsse", dsse],
  ["intoto", intoto],
]);

function dsse(spec: Fields): unknown {
  const { envelope, verifiers } = spec["proposedContent"] as { envelope: string; verifiers: string[] };
  const { payload, signatures } = readEnvelope(envelope);
  return {
    envelopeHash: sha256(utf8(envelope)),
    payloadHash: sha256(Buffer.from(payload, "base64")),
    signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
  };
}

function intoto(spec: Fields): unknown {
  const { envelope } = spec["content"] as { envelope: string };
  const { payload } = readEnvelope(envelope);
  return {
    content: { hash: sha256(utf8(envelope)), payloadHash: sha256(Buffer.from(payload, "base64")) },
    publicKey: spec["publicKey"],
  };
}

/** What the API is in front of. */
export interface RekorStore {
  readonly entries: () => readonly LogEntry[];
  /** Logs a body, now. */
  readonly add: (entry: Pick<LogEntry, "kind" | "version" | "body">) => LogEntry;
}

/**
 * The part of Rekor v1's API that cosign logs and searches by: `POST /api/v1/log/entries` logs a proposed entry, `GET` of
 * one by its UUID reads it again, and `POST /api/v1/log/entries/retrieve` finds entries by proposals, UUIDs or indexes. Unlike
 * a real log it does not verify what is proposed.
 */
export function rekorHandler(store: RekorStore): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    try {
      if (request.method === "POST" && (pathname === RETRIEVE || pathname === ENTRIES)) {
        const body = await readRequest(request, MAX_BODY);
        if (body === undefined) return problem(413, "too large", { connection: "close" });
        const asked: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
        return pathname === RETRIEVE ? retrieve(store, asked as Fields) : create(store, asked as Proposed);
      }
      if (request.method === "GET" && pathname.startsWith(`${ENTRIES}/`))
        return read(store, pathname.slice(ENTRIES.length + 1));
    } catch (error) {
      return problem(400, error instanceof Error ? error.message : "unreadable");
    }
    return problem(404, "no such path");
  };
}

function retrieve({ entries }: RekorStore, query: Fields): Response {
  const wanted = wantedBy(query);
  const indexes = new Set((query["logIndexes"] ?? []) as readonly number[]);
  return Response.json(
    entries()
      .filter(({ body, logIndex }) => indexes.has(logIndex) || wanted.has(leafOf(body)))
      .map(rekorAnswer),
  );
}

/** An entry that is already there is a conflict, which names it: signing the same twice may give the same signature. */
function create({ entries, add }: RekorStore, proposed: Proposed): Response {
  const body = bodyOf(proposed);
  const uuid = `${TREE}${leafOf(body)}`;
  const location = { location: `${ENTRIES}/${uuid}` };
  if (entries().some((entry) => leafOf(entry.body) === leafOf(body)))
    return problem(409, "an equivalent entry already exists", location);
  const entry = add({ kind: proposed.kind, version: proposed.apiVersion, body });
  return Response.json(rekorAnswer(entry), { status: 201, headers: { ...location, etag: uuid } });
}

function read({ entries }: RekorStore, uuid: string): Response {
  const entry = entries().find(({ body }) => leafOf(body) === uuid.slice(-64));
  return entry === undefined ? problem(404, "entry not found") : Response.json(rekorAnswer(entry));
}

/** The hashes of the leaves that are asked for. */
function wantedBy(query: Fields): ReadonlySet<string> {
  const proposed = (query["entries"] ?? []) as readonly Proposed[];
  const uuids = (query["entryUUIDs"] ?? []) as readonly string[];
  return new Set([
    ...proposed.map((entry) => leafOf(bodyOf(entry))),
    ...uuids.map((uuid) => uuid.slice(-64)),
  ]);
}

/** The bytes that the log keeps of a proposed entry. */
function bodyOf({ kind, apiVersion, spec }: Proposed): Uint8Array {
  const canonical = CANONICAL.get(kind);
  if (canonical === undefined || apiVersion !== "0.0.1")
    throw new Error(`unknown kind ${kind}/${apiVersion}`);
  return utf8(json.canonicalize({ apiVersion, kind, spec: canonical(spec) } as never));
}

function readEnvelope(text: string): { payload: string; signatures: { sig: string }[] } {
  return JSON.parse(text) as { payload: string; signatures: { sig: string }[] };
}

/** One entry as Rekor answers it: by its UUID, numbers as numbers, hashes in hex. */
export function rekorAnswer(entry: LogEntry): Readonly<Record<string, unknown>> {
  const { body, integratedTime, logIndex, logId, promise, proof } = entry;
  const inclusionProof = proof && {
    ...{ checkpoint: proof.checkpoint, logIndex: proof.logIndex, treeSize: proof.treeSize },
    rootHash: hex(proof.rootHash),
    hashes: proof.hashes.map(hex),
  };
  return {
    [`${TREE}${leafOf(body)}`]: {
      ...{ body: base64(body), integratedTime, logIndex, logID: hex(logId) },
      verification: {
        ...(inclusionProof && { inclusionProof }),
        ...(promise && { signedEntryTimestamp: base64(promise) }),
      },
    },
  };
}

function leafOf(body: Uint8Array): string {
  return hex(leafHash(body));
}

function sha256(bytes: Uint8Array): unknown {
  return { algorithm: "sha256", value: hex(hashBytes(bytes)) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function problem(code: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ code, message }, { status: code, headers });
}
