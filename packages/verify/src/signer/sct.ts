import { hash as hashBytes, verify } from "node:crypto";
import { derChildren, derTag, expectTag, readDer, readOid } from "../encoding/der.ts";
import { type FactCache, remember } from "../fact-cache.ts";
import { refuse } from "../refusal.ts";
import { type Certificate, extensionId } from "./certificate.ts";
import type { PublicKey } from "./public-key.ts";

/** A certificate transparency log. */
export interface CtLog {
  readonly key: PublicKey;
  readonly logId: Buffer;
  readonly validFor: { readonly start: Date; readonly end: Date };
}

interface SignedCertificateTimestamp {
  readonly logId: Buffer;
  readonly time: Date;
  /** What the log signed beside the certificate: version, time, extensions. */
  readonly timestamp: Buffer;
  readonly extensions: Buffer;
  readonly signature: Buffer;
  /** SHA-256 of all of it: its name in caches. */
  readonly fingerprint: string;
}

const maxTimestamps = 32;

/**
 * Checks that a trusted CT log promised to publish the certificate (RFC 6962 §3): at least one embedded timestamp of a
 * log in `logs` that was in service then, and no invalid one of such a log. Those of unknown logs prove nothing.
 */
export function checkCertificateTimestamps(
  leaf: Certificate,
  issuer: Certificate,
  logs: readonly CtLog[],
  cache: FactCache,
): void {
  const timestamps = readTimestamps(leaf);
  // second line: sct-present
  if (timestamps.length === 0)
    refuse(
      "logMissing",
      "certificate does not include required embedded SCT: where an authority of one's own has no CT log, say `ctlog.ignoreSCT`",
    );
  const ours = timestamps.flatMap((timestamp) => {
    const log = logs.find((one) => one.logId.equals(timestamp.logId) && isInService(one, timestamp.time));
    return log === undefined ? [] : [{ timestamp, log }];
  });
  // guard: sct-known
  if (ours.length === 0)
    refuse("logMismatch", "ctfe public key not found: the SCT is of a CT log that is not trusted here");
  for (const { timestamp, log } of ours) {
    // Named by its bytes: which place it has among `ours` depends on the logs, and so on policy and trust root.
    const fact = `sct ${timestamp.fingerprint} ${leaf.fingerprint} ${issuer.fingerprint} ${log.key.keyId}`;
    const signed = remember(cache, fact, () => isSigned(timestamp, precertificateOf(leaf, issuer), log));
    // guard: sct-signature
    if (!signed) refuse("logMismatch", "signature of an SCT does not verify");
  }
}

function isInService({ validFor }: CtLog, time: Date): boolean {
  return validFor.start <= time && time <= validFor.end;
}

function readTimestamps(leaf: Certificate): readonly SignedCertificateTimestamp[] {
  const extension = leaf.extensions.get(extensionId.signedCertificateTimestamps);
  if (extension === undefined) return [];
  const what = "SCT list";
  const list = vector(expectTag(readDer(extension.value, what), derTag.octetString, what).contents, 0);
  if (list.end !== list.bytes.length + 2) refuse("malformed", `${what} has a wrong length`);
  const timestamps: SignedCertificateTimestamp[] = [];
  for (let at = 0; at < list.bytes.length; ) {
    const { bytes, end } = vector(list.bytes, at);
    timestamps.push(readTimestamp(bytes));
    // guard: sct-count
    if (timestamps.length > maxTimestamps)
      refuse("tooMany", `certificate has more than ${maxTimestamps} SCTs`);
    at = end;
  }
  return timestamps;
}

/** A TLS vector with a length of two bytes. */
function vector(bytes: Buffer, at: number): { readonly bytes: Buffer; readonly end: number } {
  if (at + 2 > bytes.length) return refuse("malformed", "SCT ends too early");
  const end = at + 2 + bytes.readUInt16BE(at);
  if (end > bytes.length) return refuse("malformed", "SCT ends too early");
  return { bytes: bytes.subarray(at + 2, end), end };
}

/** version(1) logId(32) timestamp(8) extensions<2> hash(1) signature(1) signature<2>. */
function readTimestamp(bytes: Buffer): SignedCertificateTimestamp {
  if (bytes.length < 47 || bytes[0] !== 0) return refuse("malformed", "SCT is not of version 1");
  const timestamp = bytes.subarray(33, 41);
  const extensions = vector(bytes, 41);
  const algorithm = bytes.subarray(extensions.end, extensions.end + 2);
  const signature = vector(bytes, extensions.end + 2);
  if (signature.end !== bytes.length) refuse("malformed", "SCT has bytes after its end");
  // SHA-256 with RSA (1) or ECDSA (3): RFC 6962 §2.1.4 knows no others.
  if (algorithm[0] !== 4 || (algorithm[1] !== 1 && algorithm[1] !== 3))
    refuse("malformed", "SCT is signed with an unknown algorithm");
  return {
    logId: bytes.subarray(1, 33),
    time: new Date(Number(timestamp.readBigUInt64BE())),
    timestamp,
    extensions: bytes.subarray(41, extensions.end),
    signature: signature.bytes,
    fingerprint: hashBytes("sha256", bytes),
  };
}

function isSigned(sct: SignedCertificateTimestamp, precertificate: Buffer, log: CtLog): boolean {
  // version v1(0), certificate_timestamp(0), time, precert_entry(1)
  const head = Buffer.concat([Buffer.from([0, 0]), sct.timestamp, Buffer.from([0, 1])]);
  try {
    return verify(
      "sha256",
      Buffer.concat([head, precertificate, sct.extensions]),
      log.key.keyObject,
      sct.signature,
    );
  } catch {
    return false;
  }
}

/** issuer_key_hash and the signed part of the certificate without its SCTs, cut out of the original bytes. */
function precertificateOf(leaf: Certificate, issuer: Certificate): Buffer {
  const what = "certificate";
  const fields = derChildren(readDer(leaf.tbs, what), what).map((field) =>
    field.tag === 0xa3 ? wrap(0xa3, wrap(0x30, withoutTimestamps(field.contents))) : field.raw,
  );
  const tbs = wrap(0x30, Buffer.concat(fields));
  const length = Buffer.alloc(3);
  length.writeUIntBE(tbs.length, 0, 3);
  return Buffer.concat([hashBytes("sha256", issuer.key.spki, "buffer"), length, tbs]);
}

function withoutTimestamps(extensions: Buffer): Buffer {
  const what = "certificate extensions";
  const kept = derChildren(readDer(extensions, what), what).filter((extension) => {
    const [oid] = derChildren(extension, what);
    return readOid(oid, what) !== extensionId.signedCertificateTimestamps;
  });
  return Buffer.concat(kept.map(({ raw }) => raw));
}

function wrap(tag: number, contents: Buffer): Buffer {
  const { length } = contents;
  const bytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), contents]);
}
