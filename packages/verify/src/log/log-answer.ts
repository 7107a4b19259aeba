import { hash as hashBytes } from "node:crypto";
import type { Json } from "@assay/policy";
import type { TransparencyLogEntry } from "@sigstore/bundle";
import { isJsonObject, own, parseStrictJson } from "../encoding/strict-json.ts";
import { isCount, type LogEntry, readRekorEntry } from "../evidence/log-entry.ts";
import { refuse } from "../refusal.ts";

/** One signature has one entry of each kind that was proposed; a little room for logs of several shards. */
const maxAnswered = 32;
const maxHashes = 64;
const what = "answer of the transparency log";

/**
 * Reads what a Rekor v1 log answers to `POST /api/v1/log/entries/retrieve`. Nothing in it is verified, and whoever
 * stands between may have written it: the entries are such as might have come with a signature.
 */
export function readLogAnswer(json: string): readonly LogEntry[] {
  const answer = parseStrictJson(json, what);
  if (!Array.isArray(answer)) return refuse("malformed", `${what} is not a list`);
  const found = answer.flatMap((one) =>
    isJsonObject(one) ? Object.entries(one) : refuse("malformed", `${what} holds no entries`),
  );
  // guard: log-answer-count
  if (found.length > maxAnswered)
    refuse("tooMany", `${what} holds ${found.length} entries, more than ${maxAnswered}`);
  return found.map(([uuid, entry]) => readEntry(uuid, entry));
}

function readEntry(uuid: string, value: Json): LogEntry {
  if (!isJsonObject(value)) return refuse("malformed", `${what} holds an entry that is no object`);
  const verification = own(value, "verification") ?? null;
  const members = isJsonObject(verification) ? verification : {};
  const read = readRekorEntry(value, { what, promise: own(members, "signedEntryTimestamp") });
  const { canonicalizedBody } = read.entry;
  const leaf = hashBytes("sha256", Buffer.concat([Buffer.from([0]), canonicalizedBody]));
  // guard: log-answer-uuid
  if (!uuid.endsWith(leaf))
    refuse("logMismatch", "transparency log answered with another entry than it names");
  const proof = own(members, "inclusionProof") ?? null;
  const inclusionProof = proof === null ? undefined : readProof(proof);
  return { ...read, entry: { ...read.entry, inclusionProof } };
}

function readProof(value: Json): TransparencyLogEntry["inclusionProof"] {
  if (!isJsonObject(value)) return refuse("malformed", `${what} holds no inclusion proof`);
  const [logIndex, treeSize] = [own(value, "logIndex"), own(value, "treeSize")];
  const [checkpoint, hashes] = [own(value, "checkpoint"), own(value, "hashes") ?? null];
  // Without a checkpoint nobody vouches for the proof's root: the promise has to do.
  if (typeof checkpoint !== "string" || checkpoint === "") return undefined;
  if (!isCount(logIndex) || !isCount(treeSize) || !Array.isArray(hashes) || hashes.length > maxHashes)
    return refuse("malformed", `${what} holds a bad inclusion proof`);
  return {
    logIndex: String(logIndex),
    treeSize: String(treeSize),
    rootHash: readHash(own(value, "rootHash") ?? null),
    hashes: hashes.map(readHash),
    checkpoint: { envelope: checkpoint },
  };
}

function readHash(value: Json): Buffer {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value)
    ? Buffer.from(value, "hex")
    : refuse("malformed", `${what} holds a bad hash`);
}
