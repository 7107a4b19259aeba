import { hash as hashBytes } from "node:crypto";
import type { Json } from "@assay/policy";
import type { DigestOf } from "../digest-memo.ts";
import { decodeBase64 } from "../encoding/base64.ts";
import { readSequence } from "../encoding/der.ts";
import { parsePem } from "../encoding/pem.ts";
import { isJsonObject, own } from "../encoding/strict-json.ts";
import type { LogEntry } from "../evidence/log-entry.ts";
import type { SignedContent } from "../evidence/signed-content.ts";
import { refuse, shown } from "../refusal.ts";
import { type HashName, hashByProtoName, lookUp } from "../signer/algorithms.ts";
import type { PublicKey } from "../signer/public-key.ts";

/** What must be in a log entry for it to be about this signature. */
export interface LoggedSignature {
  readonly content: SignedContent;
  /** Digest of the bytes under the signature. */
  readonly signedDigest: (algorithm: string) => Buffer | undefined;
  /** Digest of an envelope's payload. */
  readonly payloadDigest: DigestOf | undefined;
  readonly signature: Buffer;
  /** The key that verified the signature. */
  readonly signer: PublicKey;
  /** The leaf certificate where the signer has one. */
  readonly certificate?: Buffer;
  /** The hash the signature was verified with; `none`: Ed25519. */
  readonly hash: HashName | "none";
}

/** A digest that an entry records, in one form for all kinds of entries. */
interface RecordedDigest {
  readonly over: "signedBytes" | "payload" | "envelope";
  readonly algorithm: string;
  readonly value: Buffer;
}

interface LogRecord {
  readonly signature: Buffer | undefined;
  /** PEM or DER of a key or certificate. */
  readonly verifier: Buffer;
  readonly digests: readonly RecordedDigest[];
}

/**
 * Binds a log entry to a signature: it must record this signature, by this key or certificate, over these bytes. A
 * genuine entry about anything else proves nothing (CVE-2022-36056, CVE-2026-22703, CVE-2024-51746). Whether the entry
 * is genuine is checked elsewhere.
 */
export function checkLogEntryBody(entry: LogEntry, logged: LoggedSignature): void {
  const record = readRecord(entry);
  const mismatch = (part: string): never =>
    refuse("logMismatch", `transparency log entry records another ${part}`);
  // guard: log-signature
  if (record.signature !== undefined && !record.signature.equals(logged.signature)) mismatch("signature");
  // second line: log-unbound
  if (record.signature === undefined && !hasEnvelope(logged.content)) mismatch("form of attestation");
  // guard: log-key
  if (!isSigner(record.verifier, logged)) mismatch("key or certificate");
  for (const digest of record.digests) {
    // guard: log-digest
    if (!isDigestOf(digest, logged)) mismatch("digest");
  }
}

function readRecord({ entry, readBody }: LogEntry): LogRecord {
  const json = readBody();
  const { kind, version } = entry.kindVersion;
  const [bodyKind, bodyVersion] = [text(json, "kind"), text(json, "apiVersion")];
  // guard: log-kind
  if (bodyKind !== kind || bodyVersion !== version) {
    refuse("logMismatch", "log entry is of another kind than it says", {
      expected: shown(`${kind}/${version}`),
      received: shown(`${bodyKind}/${bodyVersion}`),
    });
  }
  const reader = Object.hasOwn(readers, `${kind}/${version}`) ? readers[`${kind}/${version}`] : undefined;
  if (reader === undefined)
    return refuse("logMismatch", `log entry is of the unknown kind \`${shown(`${kind}/${version}`)}\``);
  return reader(at(json, "spec"));
}

/** One reader per kind of entry (sigstore/rekor pkg/types, sigstore/rekor-tiles; cosign pkg/cosign/verify.go:1544-1620). */
const readers: Readonly<Record<string, (spec: Json) => LogRecord>> = {
  "hashedrekord/0.0.1": (spec) => ({
    signature: base64(spec, "signature", "content"),
    verifier: base64(spec, "signature", "publicKey", "content"),
    digests: [hexDigest("signedBytes", at(spec, "data", "hash"))],
  }),
  "rekord/0.0.1": (spec) => ({
    signature: base64(spec, "signature", "content"),
    verifier: base64(spec, "signature", "publicKey", "content"),
    digests: [hexDigest("signedBytes", at(spec, "data", "hash"))],
  }),
  "dsse/0.0.1": (spec) => {
    const signature = only(at(spec, "signatures"));
    return {
      signature: base64(signature, "signature"),
      verifier: base64(signature, "verifier"),
      digests: [
        hexDigest("payload", at(spec, "payloadHash")),
        hexDigest("envelope", at(spec, "envelopeHash")),
      ],
    };
  },
  // Records no signature: it is bound by the hash of the envelope, which contains it.
  "intoto/0.0.1": (spec) => ({
    signature: undefined,
    verifier: base64(spec, "publicKey"),
    digests: [hexDigest("envelope", at(spec, "content", "hash"))],
  }),
  "intoto/0.0.2": (spec) => {
    const signature = only(at(spec, "content", "envelope", "signatures"));
    const inner = base64(signature, "sig").toString("latin1");
    return {
      signature: decodeBase64(inner, "signature of the log entry"),
      verifier: base64(signature, "publicKey"),
      digests: [hexDigest("payload", at(spec, "content", "payloadHash"))],
    };
  },
  "hashedrekord/0.0.2": (spec) => {
    const entry = at(spec, "hashedRekordV002");
    return {
      signature: base64(entry, "signature", "content"),
      verifier: rawVerifier(at(entry, "signature", "verifier")),
      digests: [protoDigest("signedBytes", at(entry, "data"))],
    };
  },
  "dsse/0.0.2": (spec) => {
    const entry = at(spec, "dsseV002");
    const signature = only(at(entry, "signatures"));
    return {
      signature: base64(signature, "content"),
      verifier: rawVerifier(at(signature, "verifier")),
      digests: [protoDigest("payload", at(entry, "payloadHash"))],
    };
  },
};

function at(value: Json, ...path: readonly string[]): Json {
  let inner = value;
  for (const key of path) {
    const next = isJsonObject(inner) ? own(inner, key) : undefined;
    if (next === undefined) return refuse("malformed", `log entry body has no \`${path.join(".")}\``);
    inner = next;
  }
  return inner;
}

function text(value: Json, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string"
    ? found
    : refuse("malformed", `log entry body has no text at \`${path.join(".")}\``);
}

function base64(value: Json, ...path: readonly string[]): Buffer {
  return decodeBase64(text(value, ...path), "a field of the log entry body");
}

function only(value: Json): Json {
  const [first, ...others] = Array.isArray(value) ? value : [];
  // guard: log-one-signature
  if (others.length > 0) refuse("logMismatch", "log entry records several signatures");
  return first ?? refuse("malformed", "log entry records no signature");
}

function hexDigest(over: RecordedDigest["over"], hash: Json): RecordedDigest {
  const value = text(hash, "value");
  if (value.length > 128 || value.length % 2 !== 0 || !/^[0-9a-f]+$/.test(value))
    refuse("malformed", "log entry has a bad digest");
  return { over, algorithm: text(hash, "algorithm"), value: Buffer.from(value, "hex") };
}

function protoDigest(over: RecordedDigest["over"], hash: Json): RecordedDigest {
  const name = text(hash, "algorithm");
  return {
    over,
    algorithm: lookUp(hashByProtoName, name) ?? name,
    value: base64(hash, "digest"),
  };
}

function rawVerifier(verifier: Json): Buffer {
  const key = isJsonObject(verifier)
    ? (own(verifier, "publicKey") ?? own(verifier, "x509Certificate"))
    : undefined;
  return key === undefined ? refuse("malformed", "log entry names no verifier") : base64(key, "rawBytes");
}

/**
 * What is recorded must be the signer's certificate where there is one: an entry that holds its key alone hides the name
 * from whoever watches the log for it. A key signer's entry may hold the key, or a certificate for it.
 */
function isSigner(verifier: Buffer, { signer, certificate }: LoggedSignature): boolean {
  // guard: log-certificate
  if (certificate !== undefined) return fromPem(verifier).equals(certificate);
  if (verifier.equals(signer.pem())) return true;
  const der = fromPem(verifier);
  return der.equals(signer.spki) || spkiOfCertificate(der)?.equals(signer.spki) === true;
}

function fromPem(verifier: Buffer): Buffer {
  if (verifier[0] === 0x30) return verifier;
  const pem = parsePem(verifier.toString("latin1"), 1);
  const [block] = "blocks" in pem ? pem.blocks : [];
  return block?.der ?? refuse("malformed", "log entry holds no key or certificate");
}

function spkiOfCertificate(der: Buffer): Buffer | undefined {
  const [tbs] = readSequence(der, "certificate of the log entry");
  if (tbs?.tag !== 0x30) return undefined;
  return readSequence(tbs.raw, "certificate of the log entry")[6]?.raw;
}

function isDigestOf({ over, algorithm, value }: RecordedDigest, logged: LoggedSignature): boolean {
  // Bundles do not keep the envelope as it was logged: there the payload's digest and the signature bind the entry.
  if (over === "envelope" && logged.content.kind === "dsse" && !hasEnvelope(logged.content)) return true;
  const hash = over === "signedBytes" && logged.hash !== "none" ? logged.hash : "sha256";
  // guard: log-digest-algorithm
  if (algorithm !== hash) return false;
  return digestOver(over, logged, hash)?.equals(value) === true;
}

function hasEnvelope(content: SignedContent): boolean {
  return content.kind === "dsse" && content.envelope !== undefined;
}

function digestOver(over: RecordedDigest["over"], logged: LoggedSignature, hash: string): Buffer | undefined {
  if (over === "signedBytes") return logged.signedDigest(hash);
  if (over === "payload") return logged.payloadDigest?.(hash);
  const envelope = logged.content.kind === "dsse" ? logged.content.envelope : undefined;
  return envelope && hashBytes(hash, envelope, "buffer");
}
