import { verify } from "node:crypto";
import type { TransparencyLogEntry } from "@sigstore/bundle";
import { type SignedEntity, type TrustMaterial, VerificationError, Verifier } from "@sigstore/verify";
import type { LogEntry } from "../evidence/log-entry.ts";
import { refuse, shown } from "../refusal.ts";
import type { PublicKey } from "../signer/public-key.ts";
import { checkpointOf, isSignedNote, noteKeyId, noteNames } from "./checkpoint.ts";
import { checkLogEntryBody, type LoggedSignature } from "./log-entry-body.ts";

/** A log that is trusted to tell the time and to show what was signed. */
export interface TransparencyLog {
  readonly key: PublicKey;
  /** Undefined for a bare Ed25519 key: its id depends on the log's name (C2SP signed-note). */
  readonly logId: Buffer | undefined;
  /** The log's URL; empty where only its key is known. */
  readonly baseUrl: string;
  readonly validFor: { readonly start: Date; readonly end: Date };
}

/** What the log proves about a signature. */
export interface LoggedFacts {
  /** Times that a signed promise vouches for; an inclusion proof alone proves no time. */
  readonly times: readonly Date[];
  readonly logIndex: string;
  /** When the logs that only gave a proof were in service: a proof names no time by itself. */
  readonly windows: readonly TransparencyLog["validFor"][];
}

/** Kinds that only old `.sig` and `.att` images have and `@sigstore/verify` does not know. */
const oldKinds: readonly string[] = ["intoto/0.0.1", "rekord/0.0.1"];

/** How far a log's clock may run ahead of ours. */
const maxSkewMs = 5 * 60 * 1000;

/**
 * Checks that trusted logs hold this signature: at least one entry of a log in `logs`; every entry of such a log must be
 * genuine and about this signature. Entries of other logs are as good as absent. `@sigstore/verify` checks checkpoints and
 * inclusion proofs; promises, and what an entry is about (`checkLogEntryBody`), are checked here.
 */
export function checkTransparencyLog(
  entries: readonly LogEntry[],
  logs: readonly TransparencyLog[],
  logged: LoggedSignature,
  now: Date,
): LoggedFacts {
  if (entries.length === 0)
    refuse("logMissing", "signature not found in transparency log: it comes with no log entry");
  const known = entries.map(({ entry, readBody }): KnownEntry => {
    const checkpoint = checkpointOf(entry);
    const claimed = logs.filter((log) => isOf(log, entry, checkpoint));
    return { entry, readBody, time: integratedTime(entry), checkpoint, logs: claimed };
  });
  const ours = known.filter((one) => one.logs.length > 0);
  const [first] = ours;
  if (first === undefined) {
    return refuse(
      "logMismatch",
      "rekor log public key not found: the entry is of a log that is not trusted here",
    );
  }
  for (const one of ours) {
    checkTree(one);
    checkLogEntryBody(one, logged);
    checkTime(one, now);
    checkBegun(one.logs, now);
  }
  checkDistinct(ours);
  for (const one of ours) checkInclusion(one, logged);
  return {
    times: ours.flatMap(({ entry, time }) => (entry.inclusionPromise && time ? [time] : [])),
    logIndex: first.entry.logIndex,
    windows: ours.flatMap((one) =>
      one.entry.inclusionPromise === undefined ? one.logs.map(({ validFor }) => validFor) : [],
    ),
  };
}

interface KnownEntry extends LogEntry {
  /** When the log took it in, as the entry says. */
  readonly time: Date | undefined;
  /** Text of the checkpoint that came with the inclusion proof; empty where there is none. */
  readonly checkpoint: string;
  /** Those that the entry claims to be of. At least one, or the entry is of no interest. */
  readonly logs: readonly TransparencyLog[];
}

function isOld({ entry }: KnownEntry): boolean {
  return oldKinds.includes(`${entry.kindVersion.kind}/${entry.kindVersion.version}`);
}

function integratedTime(entry: TransparencyLogEntry): Date | undefined {
  const seconds = Number(entry.integratedTime);
  return seconds > 0 ? new Date(seconds * 1000) : undefined;
}

function checkTime({ time }: KnownEntry, now: Date): void {
  // guard: log-future
  if (time !== undefined && time.getTime() > now.getTime() + maxSkewMs) {
    refuse("logMismatch", "log entry was integrated in the future", { received: time.toISOString() });
  }
}

/** A log that is trusted from tomorrow on vouches for nothing today, not even by a proof that names no time. */
function checkBegun(logs: readonly TransparencyLog[], now: Date): void {
  // guard: log-begun
  if (!logs.some(({ validFor }) => validFor.start <= now))
    refuse("logMismatch", "transparency log is not in service yet");
}

/** No honest client lists an entry twice. Of the old kinds a log may well have made two. */
function checkDistinct(entries: readonly KnownEntry[]): void {
  const isTwice = entries.some(
    (one, i) => !isOld(one) && entries.slice(0, i).some((other) => isSame(one, other)),
  );
  // guard: log-entry-twice
  if (isTwice) refuse("logMismatch", "transparency log entry does not verify: duplicate tlog entry");
}

function isSame({ entry: one }: KnownEntry, { entry: other }: KnownEntry): boolean {
  return one.logId.keyId.equals(other.logId.keyId) && one.canonicalizedBody.equals(other.canonicalizedBody);
}

/**
 * A log vouches for an entry by a signed promise, by an inclusion proof, or by both: what is there must hold, and one of
 * them must be there. For the old kinds only the promise counts.
 */
function checkInclusion(one: KnownEntry, logged: LoggedSignature): void {
  const { inclusionPromise, inclusionProof } = one.entry;
  const isPromised = inclusionPromise !== undefined;
  if (isPromised || isOld(one)) checkPromise(one);
  const isProofAwaited = !isOld(one) && (inclusionProof !== undefined || !isPromised);
  // guard: log-inclusion
  if (isProofAwaited) checkProof(one, logged);
}

/**
 * Checkpoint, inclusion proof, and once more what the entry is about, by `@sigstore/verify`, which also refuses an entry
 * that has neither proof nor promise. The promise is not handed in: it is checked already, and costs a signature.
 */
function checkProof(one: KnownEntry, logged: LoggedSignature): void {
  const { entry, logs } = one;
  const material: TrustMaterial = {
    tlogs: logs.map((log) => authorityFor(log, one)),
    ctlogs: [],
    certificateAuthorities: [],
    timestampAuthorities: [],
    publicKey: () => ({ publicKey: logged.signer.keyObject, validFor: () => true }),
  };
  const entity: SignedEntity = {
    signature: comparable(logged),
    key: { $case: "public-key", hint: "" },
    timestamps: [],
    tlogEntries: [{ ...entry, inclusionPromise: undefined }],
  };
  const thresholds = { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 };
  try {
    new Verifier(material, thresholds).verify(entity);
  } catch (error) {
    const reason = error instanceof VerificationError ? shown(error.message) : "its form is unknown";
    refuse("logMismatch", `transparency log entry does not verify: ${reason}`);
  }
}

/**
 * `@sigstore/verify` wants the name in a checkpoint to be part of the log's URL. Rekor v1 logs sign with names of their
 * own (`host - treeID`), and a bare key has no URL. The name carries no authority: the key of the claimed log id must
 * have signed the note all the same.
 */
function authorityFor(
  { key, baseUrl, validFor }: TransparencyLog,
  { entry, checkpoint }: KnownEntry,
): TrustMaterial["tlogs"][number] {
  const isAnonymous = baseUrl === "" || v1Origin.test(checkpoint.split("\n", 1)[0] ?? "");
  return {
    logID: entry.logId.keyId,
    baseURL: isAnonymous ? [baseUrl, ...noteNames(checkpoint)].join(" ") : baseUrl,
    publicKey: key.keyObject,
    validFor: { ...validFor },
  };
}

const hashOfLength: ReadonlyMap<number, string> = new Map([
  [32, "sha256"],
  [48, "sha384"],
  [64, "sha512"],
]);

/** INVARIANT: made only for a signature that verified with `logged.signer`, so that `verifySignature` answers from memory. */
function comparable(logged: LoggedSignature): SignedEntity["signature"] {
  const { content, signature } = logged;
  const equalsSigned = (digest: Buffer): boolean =>
    logged.signedDigest(hashOfLength.get(digest.length) ?? "sha256")?.equals(digest) === true;
  return {
    signature,
    compareSignature: (other) => signature.equals(other),
    compareDigest: (digest) =>
      content.kind === "dsse"
        ? logged.payloadDigest?.("sha256").equals(digest) === true
        : equalsSigned(digest),
    compareSignedDigest: equalsSigned,
    verifySignature: (key) => key === logged.signer.keyObject,
  };
}

/**
 * The signed promise of an entry: the log's signature over its canonical JSON (cosign pkg/cosign/verify.go:1622-1640).
 * These members stand in the order of their names, and none of their values has two spellings: so this is canonical.
 */
function checkPromise({ entry, logs, time }: KnownEntry): void {
  const payload = {
    body: entry.canonicalizedBody.toString("base64"),
    integratedTime: Number(entry.integratedTime),
    logID: entry.logId.keyId.toString("hex"),
    logIndex: Number(entry.logIndex),
  };
  const data = Buffer.from(JSON.stringify(payload), "latin1");
  const promise = entry.inclusionPromise?.signedEntryTimestamp;
  const holds = logs.some(
    ({ key: { keyObject }, validFor }) =>
      time !== undefined &&
      promise !== undefined &&
      validFor.start <= time &&
      time <= validFor.end &&
      verify(keyObject.asymmetricKeyType === "ed25519" ? null : "sha256", data, keyObject, promise),
  );
  // guard: log-promise
  if (!holds)
    refuse("logMismatch", "transparency log entry does not verify: inclusion promise could not be verified");
}

/** Does the entry claim to be of this log? */
function isOf(log: TransparencyLog, { logId }: TransparencyLogEntry, checkpoint: string): boolean {
  const isClaimed =
    log.logId?.equals(logId.keyId) ??
    noteNames(checkpoint).some((name) => noteKeyId(name, log.key.spki).equals(logId.keyId));
  // guard: log-id
  if (!isClaimed) return false;
  return true;
}

/**
 * What the proof says of the tree must be what the log signed; `@sigstore/verify` reads the checkpoint alone. A v2 log
 * signs under its host name: a checkpoint of another origin is another log's, whoever signed it.
 */
function checkTree({ entry, checkpoint, logs }: KnownEntry): void {
  const proof = entry.inclusionProof;
  if (proof === undefined) return;
  // guard: checkpoint-form
  if (!isSignedNote(checkpoint)) refuse("logMismatch", "checkpoint of the log entry is no signed note");
  const [origin = "", size = "", root = ""] = checkpoint.split("\n", 3);
  // guard: proof-tree-size
  if (proof.treeSize !== size)
    refuse("logMismatch", "inclusion proof is for another tree size than its checkpoint");
  // guard: proof-root
  if (proof.rootHash.toString("base64") !== root)
    refuse("logMismatch", "inclusion proof has another root than its checkpoint");
  // Only Rekor v1 counts an entry twice, over all of its shards (the promise vouches for that number) and in its tree.
  // guard: log-index
  if (!v1Origin.test(origin) && entry.logIndex !== proof.logIndex)
    refuse("logMismatch", "log entry has another index than its inclusion proof");
  for (const { baseUrl } of logs) {
    // guard: checkpoint-origin
    if (baseUrl !== "" && !v1Origin.test(origin) && !originsOf(baseUrl).includes(origin)) {
      refuse("logMismatch", "checkpoint is of another log", {
        expected: originsOf(baseUrl),
        received: shown(origin),
      });
    }
  }
}

const v1Origin = / - \d+$/;

function originsOf(baseUrl: string): readonly string[] {
  if (!URL.canParse(baseUrl)) return [baseUrl];
  const { host, hostname, pathname } = new URL(baseUrl);
  return [host, hostname, `${host}${pathname.replace(/\/$/, "")}`];
}
