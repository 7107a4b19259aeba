import { createPublicKey, hash as hashBytes } from "node:crypto";
import type { Json } from "@assay/policy";
import {
  type CertificateAuthority,
  PublicKeyDetails,
  type TransparencyLogInstance,
  TrustedRoot,
} from "@sigstore/protobuf-specs";
import { decodeBase64 } from "../encoding/base64.ts";
import { isJsonObject, own, parseStrictJson } from "../encoding/strict-json.ts";
import type { TransparencyLog } from "../log/transparency-log.ts";
import { Refusal, shown } from "../refusal.ts";
import { type Certificate, parseCertificate } from "../signer/certificate.ts";
import type { CertificatePool } from "../signer/certificate-chain.ts";
import { type PublicKey, toPublicKey } from "../signer/public-key.ts";
import type { CtLog } from "../signer/sct.ts";
import type { TimestampAuthority } from "../time/timestamp-authority.ts";
import { VerifyError } from "../verify-error.ts";
import { always, trustMaterial } from "./trust-material.ts";
import { type TrustRoot, trusted } from "./trust-root.ts";

const maxBytes = 1024 * 1024;
const mediaTypes: readonly string[] = [
  "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
  "application/vnd.dev.sigstore.trustedroot.v0.1+json",
  "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/**
 * Parses the text of a `trusted_root.json`, or of a `.jsonl` with one root a line (their material is united). Throws
 * `VerifyError` `invalidTrustRoot` for anything that would widen trust by accident: a log or authority without a start
 * of validity, an end before the start, two logs of one id, a key or certificate that is not accepted.
 */
export function parseTrustRoot(text: string): TrustRoot {
  // guard: trust-size
  if (Buffer.byteLength(text) > maxBytes) fail("", `trust root is larger than ${maxBytes} bytes`);
  const roots = readRoots(text);
  const logs = roots.flatMap(({ root, at }) => root.tlogs.map((log, i) => readLog(log, `${at}tlogs[${i}]`)));
  const ctLogs = roots.flatMap(({ root, at }) =>
    root.ctlogs.map((log, i) => readLog(log, `${at}ctlogs[${i}]`)),
  );
  if (roots.length === 1) {
    checkDistinct(logs, "tlogs");
    checkDistinct(ctLogs, "ctlogs");
  }
  const material = trustMaterial({
    logs,
    ctLogs,
    certificateAuthorities: roots.flatMap(({ root, at }) =>
      root.certificateAuthorities.map((ca, i) => readPool(ca, `${at}certificateAuthorities[${i}]`)),
    ),
    timestampAuthorities: roots.flatMap(({ root, at }) =>
      root.timestampAuthorities.map((ca, i) => readTimestampAuthority(ca, `${at}timestampAuthorities[${i}]`)),
    ),
  });
  const id = `sha256:${hashBytes("sha256", text)}`;
  return Object.freeze({ [trusted]: material, id });
}

interface NamedRoot {
  readonly root: TrustedRoot;
  readonly at: string;
}

function readRoots(text: string): readonly NamedRoot[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  // A root that is spread over lines never has a whole object on its first line.
  const many = lines.length > 1 && isObjectText(lines[0] ?? "");
  return (many ? lines : [text]).map((one, i) => readRoot(one, many ? `[${i}].` : ""));
}

function isObjectText(line: string): boolean {
  try {
    return isJsonObject(JSON.parse(line));
  } catch {
    return false;
  }
}

function readRoot(text: string, at: string): NamedRoot {
  const json = readJson(text, at);
  const mediaType = isJsonObject(json) ? own(json, "mediaType") : undefined;
  if (!isJsonObject(json) || typeof mediaType !== "string" || !mediaTypes.includes(mediaType)) {
    return fail(`${at}mediaType`, "trust root is not a sigstore trusted_root.json");
  }
  for (const list of ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"]) {
    const value = own(json, list) ?? [];
    // guard: trust-lists
    if (!Array.isArray(value)) return fail(`${at}${list}`, "is no list");
    for (const [i, entry] of value.entries()) {
      checkWindow(entry, `${at}${list}[${i}]`);
      checkBytes(entry, `${at}${list}[${i}]`);
    }
  }
  try {
    return { root: TrustedRoot.fromJSON(json), at };
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${shown(cause.message)}` : "";
    return fail(at, `trust root cannot be read${reason}`, cause);
  }
}

function readJson(text: string, at: string): Json {
  return guarded(at, () => parseStrictJson(text, "trust root"));
}

function fail(path: string, message: string, cause?: unknown): never {
  throw new VerifyError(
    "invalidTrustRoot",
    path,
    path === "" ? message : `${message} (at \`${path}\`)`,
    cause,
  );
}

function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Refusal) return fail(path, cause.message, cause);
    throw cause;
  }
}

/** Keys, certificates and ids: what base64 does not know is skipped when it is decoded, and other bytes are left. */
function checkBytes(value: Json, path: string): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, one] of Object.entries<Json>(value)) {
    const at = Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`;
    const isBytes = (name === "rawBytes" || name === "keyId") && typeof one === "string";
    // guard: trust-base64
    if (isBytes) guarded(at, () => decodeBase64(one, "it"));
    checkBytes(one, at);
  }
}

/** Of an end that is misspelt nothing would be left, and what it was to end would be trusted for ever. */
function checkWindow(entry: Json, path: string): void {
  // Logs have it beside their key.
  for (const holder of [entry, memberOf(entry, "publicKey")]) {
    const window = memberOf(holder, "validFor");
    const isWindow =
      isJsonObject(window) &&
      Object.entries(window).every(([name, time]) => (name === "start" || name === "end") && isTime(time));
    // guard: trust-window-form
    if (window !== null && !isWindow)
      fail(path, "validity cannot be read: it is a `start` and an `end`, times like 2026-01-31T12:00:00Z");
  }
}

function memberOf(value: Json, key: string): Json {
  return isJsonObject(value) ? (own(value, key) ?? null) : null;
}

const timeForm = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Protobuf's JSON has RFC 3339 times. `Date` reads others as well, some by the local clock, and 31 February as 3 March. */
function isTime(value: Json): boolean {
  if (typeof value !== "string") return value === null;
  const day = timeForm.exec(value)?.[1];
  if (day === undefined || Number.isNaN(Date.parse(value))) return false;
  return new Date(day).toISOString().startsWith(day);
}

/** A window must have a start: without one, a log that does not exist yet could vouch for the past. */
function readWindow(
  validFor: { start?: Date | undefined; end?: Date | undefined } | undefined,
  path: string,
): TransparencyLog["validFor"] {
  const { start = always.start, end = always.end } = validFor ?? {};
  // guard: trust-window-start
  if (validFor?.start === undefined) fail(path, "start of validity is missing");
  // guard: trust-window-end
  if (end < start) fail(path, "validity ends before it starts");
  return { start, end };
}

function readLog(log: TransparencyLogInstance, path: string): TransparencyLog & CtLog {
  const logId = log.checkpointKeyId?.keyId ?? log.logId?.keyId;
  if (logId === undefined || logId.length === 0) return fail(path, "log has no id");
  return {
    key: readKey(log.publicKey, path),
    logId,
    baseUrl: log.baseUrl,
    validFor: readWindow(log.publicKey?.validFor, path),
  };
}

function readKey(publicKey: TransparencyLogInstance["publicKey"], path: string): PublicKey {
  const key = toPublicKey(spkiOf(publicKey?.rawBytes ?? Buffer.alloc(0)));
  if (typeof key === "string") return fail(path, key);
  const details = publicKey?.keyDetails ?? PublicKeyDetails.PUBLIC_KEY_DETAILS_UNSPECIFIED;
  // guard: trust-key-details
  if (keyForms.get(details) !== formOf(key))
    fail(path, `key is no \`${PublicKeyDetails[details] ?? "known kind"}\``);
  return key;
}

/** Kinds of keys that a log may have, as `trusted_root.json` names them. */
const keyForms: ReadonlyMap<PublicKeyDetails, string> = new Map([
  [PublicKeyDetails.PKCS1_RSA_PKCS1V5, "rsa"],
  [PublicKeyDetails.PKIX_RSA_PKCS1V5, "rsa"],
  [PublicKeyDetails.PKIX_RSA_PKCS1V15_2048_SHA256, "rsa"],
  [PublicKeyDetails.PKIX_RSA_PKCS1V15_3072_SHA256, "rsa"],
  [PublicKeyDetails.PKIX_RSA_PKCS1V15_4096_SHA256, "rsa"],
  [PublicKeyDetails.PKIX_ECDSA_P256_SHA_256, "prime256v1"],
  [PublicKeyDetails.PKIX_ECDSA_P384_SHA_384, "secp384r1"],
  [PublicKeyDetails.PKIX_ECDSA_P384_SHA_256, "secp384r1"],
  [PublicKeyDetails.PKIX_ECDSA_P521_SHA_512, "secp521r1"],
  [PublicKeyDetails.PKIX_ECDSA_P521_SHA_256, "secp521r1"],
  [PublicKeyDetails.PKIX_ED25519, "ed25519"],
]);

function formOf({ keyObject }: PublicKey): string | undefined {
  return keyObject.asymmetricKeyDetails?.namedCurve ?? keyObject.asymmetricKeyType;
}

/** Old RSA logs are listed with their bare PKCS#1 key. */
function spkiOf(bytes: Buffer): Buffer {
  try {
    return createPublicKey({ key: bytes, format: "der", type: "pkcs1" }).export({
      format: "der",
      type: "spki",
    });
  } catch {
    return bytes;
  }
}

function checkDistinct(logs: readonly { readonly logId: Buffer | undefined }[], path: string): void {
  const ids = new Set(logs.map(({ logId }) => logId?.toString("hex")));
  // guard: trust-log-twice
  if (ids.size !== logs.length) fail(path, "two logs have one id");
}

function readCertificates(ca: CertificateAuthority, path: string): readonly Certificate[] {
  const certificates = ca.certChain?.certificates ?? [];
  if (certificates.length === 0) fail(path, "certificate chain is empty");
  return certificates.map(({ rawBytes }) => guarded(path, () => parseCertificate(rawBytes)));
}

/** The last certificate of a chain is the anchor; those before it are trusted as far as it vouches for them. */
function readPool(ca: CertificateAuthority, path: string): CertificatePool {
  const certificates = readCertificates(ca, path);
  return {
    anchors: certificates.slice(-1),
    intermediates: certificates.slice(0, -1),
    validFor: readWindow(ca.validFor, path),
  };
}

function readTimestampAuthority(ca: CertificateAuthority, path: string): TimestampAuthority {
  const certificates = readCertificates(ca, path);
  return { pool: readPool(ca, path), leaves: certificates.filter(({ isCa }) => !isCa) };
}
