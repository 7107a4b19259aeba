import { json } from "@sigstore/core";
import type { Handler } from "../registry/host-fetch.ts";
import { base64, utf8 } from "../signing/encoding.ts";
import { hashBytes } from "../signing/signing-key.ts";
import { leafHash } from "./merkle-tree.ts";
import type { LogEntry } from "./transparency-log.ts";

const RETRIEVE = "/api/v1/log/entries/retrieve";
/** Rekor's identifiers begin with the tree's: a shard's entries are told apart by it. */
const TREE = "108e9186e8c5677a";

/** What a proposed entry looks like once it is logged: `entries/retrieve` finds it by the hash of that. */
type Canonical = (spec: Fields) => unknown;
type Fields = Readonly<Record<string, unknown>>;

const CANONICAL: Readonly<Record<string, Canonical>> = {
  hashedrekord: (spec) => spec,
  dsse: (spec) => {
    const { envelope, verifiers } = spec["proposedContent"] as { envelope: string; verifiers: string[] };
    const { payload, signatures } = readEnvelope(envelope);
    return {
      envelopeHash: sha256(utf8(envelope)),
      payloadHash: sha256(Buffer.from(payload, "base64")),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    };
  },
  intoto: (spec) => {
    const { envelope } = spec["content"] as { envelope: string };
    const { payload } = readEnvelope(envelope);
    return {
      content: { hash: sha256(utf8(envelope)), payloadHash: sha256(Buffer.from(payload, "base64")) },
      publicKey: spec["publicKey"],
    };
  },
};

/**
 * The part of Rekor v1's API that finds entries: `POST /api/v1/log/entries/retrieve` with proposed entries or with their
 * UUIDs. Unlike a real log it does not verify what is proposed.
 */
export function rekorHandler(entries: () => readonly LogEntry[]): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || pathname !== RETRIEVE) return problem(404, "no such path");
    let wanted: ReadonlySet<string>;
    try {
      wanted = wantedBy(JSON.parse(await request.text()) as Fields);
    } catch (error) {
      return problem(400, error instanceof Error ? error.message : "unreadable");
    }
    const found = entries().filter(({ body }) => wanted.has(leafOf(body)));
    return Response.json(found.map(rekorAnswer));
  };
}

/** The hashes of the leaves that are asked for. */
function wantedBy(query: Fields): ReadonlySet<string> {
  const proposed = (query["entries"] ?? []) as readonly { kind: string; apiVersion: string; spec: Fields }[];
  const uuids = (query["entryUUIDs"] ?? []) as readonly string[];
  const leaves = proposed.map(({ kind, apiVersion, spec }) => {
    const canonical = CANONICAL[kind];
    if (canonical === undefined || apiVersion !== "0.0.1")
      throw new Error(`unknown kind ${kind}/${apiVersion}`);
    return leafOf(utf8(json.canonicalize({ apiVersion, kind, spec: canonical(spec) } as never)));
  });
  return new Set([...leaves, ...uuids.map((uuid) => uuid.slice(-64))]);
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

function problem(code: number, message: string): Response {
  return Response.json({ code, message }, { status: code });
}
