import type { Json, JsonObject } from "@assay/policy";
import { type Bundle, bundleFromJSON, type TransparencyLogEntry, ValidationError } from "@sigstore/bundle";
import { HashAlgorithm } from "@sigstore/protobuf-specs";
import { isCanonicalBase64 } from "../encoding/base64.ts";
import { isJsonObject, own, parseStrictJson, readUtf8 } from "../encoding/strict-json.ts";
import { refuse, shown } from "../refusal.ts";
import type { Origin } from "./evidence.ts";
import { type CertificateReader, completeSignature, type EvidenceSignature } from "./evidence-signature.ts";
import { type LogEntry, logEntry } from "./log-entry.ts";
import { notAtHand, type SignedContent } from "./signed-content.ts";

const mediaTypeV01 = "application/vnd.dev.sigstore.bundle+json;version=0.1";

/** All media types that Sigstore bundles have had; `@sigstore/bundle` alone takes any text that starts like one. */
const mediaTypes: readonly string[] = [
  mediaTypeV01,
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
  "application/vnd.dev.sigstore.bundle.v0.3+json",
];

/** Reads a Sigstore bundle v0.1 to v0.3 (sigstore/protobuf-specs, sigstore_bundle.proto) as JSON. */
export function parseSigstoreBundle(
  bytes: Buffer,
  origin: Origin,
  readCertificate: CertificateReader,
): EvidenceSignature {
  const what = "sigstore bundle";
  const json = parseStrictJson(readUtf8(bytes, what), what, (key) => !key.includes("_"));
  if (!isJsonObject(json)) return refuse("malformed", `${what} is not a JSON object`);
  const mediaType = own(json, "mediaType");
  // guard: bundle-media-type
  if (typeof mediaType !== "string" || !mediaTypes.includes(mediaType)) {
    refuse("malformed", `${what} has the unknown media type \`${shown(String(mediaType))}\``);
  }
  checkUnambiguous(json);
  const bundle = decode(json);
  checkSpelling(json, bundle);
  const material = bundle.verificationMaterial;
  const logEntries: readonly TransparencyLogEntry[] = material.tlogEntries;
  return completeSignature(
    {
      origin,
      format: "bundle",
      ...readContent(bundle),
      ...readHint(bundle),
      certificates: readCertificates(bundle),
      logEntries: logEntries.map((entry) => readLogEntry(entry, mediaType)),
      timestamps: (material.timestampVerificationData?.rfc3161Timestamps ?? []).map(
        (entry) => entry.signedTimestamp,
      ),
    },
    readCertificate,
  );
}

/** Protobuf lets only one of a `oneof` be there: of two, another reader would choose the other. */
function checkUnambiguous(json: JsonObject): void {
  const material = own(json, "verificationMaterial") ?? null;
  const signers = ["publicKey", "certificate", "x509CertificateChain"];
  // guard: bundle-one-of
  if (countOf(json, ["messageSignature", "dsseEnvelope"]) !== 1 || countOf(material, signers) !== 1) {
    refuse("malformed", "sigstore bundle says two things, or nothing, where it must say one");
  }
}

function countOf(value: Json, names: readonly string[]): number {
  return isJsonObject(value) ? names.filter((name) => (own(value, name) ?? null) !== null).length : 0;
}

function decode(json: JsonObject): Bundle {
  try {
    return bundleFromJSON(json);
  } catch (error) {
    const reason = error instanceof Error ? shown(`${error.message}${lacking(error)}`) : "unknown form";
    return refuse("malformed", `sigstore bundle is not valid: ${reason}`);
  }
}

/** The fields that `@sigstore/bundle` misses: its message names none. */
function lacking(error: Error): string {
  const fields = error instanceof ValidationError ? (error.fields ?? []) : [];
  return fields.length === 0 ? "" : `: no usable ${fields.join(", ")}`;
}

function readContent({ content }: Bundle): Pick<EvidenceSignature, "content" | "signature"> {
  if (content.$case === "messageSignature") {
    const { messageDigest, signature } = content.messageSignature;
    const signed: SignedContent = {
      kind: "message",
      digest: messageDigest.digest,
      algorithm: HashAlgorithm[messageDigest.algorithm] ?? "unknown",
      artifact: { missing: notAtHand },
    };
    return { content: signed, signature };
  }
  const { payload, payloadType, signatures } = content.dsseEnvelope;
  const [first] = signatures;
  // second line: bundle-one-signature
  if (first === undefined || signatures.length !== 1)
    return refuse("malformed", "dsse envelope has not exactly one signature");
  return { content: { kind: "dsse", payloadType, payload }, signature: first.sig };
}

function readCertificates({ verificationMaterial: { content } }: Bundle): readonly Buffer[] {
  switch (content.$case) {
    case "certificate":
      return [content.certificate.rawBytes];
    case "x509CertificateChain":
      return content.x509CertificateChain.certificates.map((certificate) => certificate.rawBytes);
    case "publicKey":
      // The hint may say anything: the policy knows its keys.
      return [];
  }
}

function readHint({ verificationMaterial: { content } }: Bundle): Pick<EvidenceSignature, "keyHint"> {
  return content.$case === "publicKey" ? { keyHint: content.publicKey.hint } : {};
}

function readLogEntry(entry: TransparencyLogEntry, mediaType: string): LogEntry {
  const { inclusionProof, inclusionPromise } = entry;
  const counts = [
    entry.logIndex,
    entry.integratedTime,
    inclusionProof?.logIndex ?? "0",
    inclusionProof?.treeSize ?? "0",
  ];
  // guard: bundle-log-numbers
  if (!counts.every((count) => /^(?:0|[1-9]\d{0,14})$/.test(count)))
    refuse("malformed", "log entry has a bad index, size or time");
  // A v0.1 bundle may hold a proof without checkpoint: nobody vouches for its root, the promise has to do. Later ones
  // must hold a whole proof, so that there an empty checkpoint is one that does not verify.
  const proofless =
    mediaType === mediaTypeV01 && inclusionPromise !== undefined && !inclusionProof?.checkpoint?.envelope;
  return logEntry(proofless ? { ...entry, inclusionProof: undefined } : entry);
}

/** Every base64 text of the bundle must be the one spelling of the bytes that came of it. */
function checkSpelling(json: JsonObject, bundle: Bundle): void {
  if (bundle.content.$case === "dsseEnvelope") {
    const envelope = at(json, "dsseEnvelope");
    checkText(at(envelope, "payload"), bundle.content.dsseEnvelope.payload, "payload");
    bundle.content.dsseEnvelope.signatures.forEach(({ sig }, i) => {
      checkText(at(at(at(envelope, "signatures"), i), "sig"), sig, "signature");
    });
  } else {
    const { signature, messageDigest } = bundle.content.messageSignature;
    const message = at(json, "messageSignature");
    checkText(at(message, "signature"), signature, "signature");
    checkText(at(at(message, "messageDigest"), "digest"), messageDigest.digest, "message digest");
  }
  checkMaterialSpelling(at(json, "verificationMaterial"), bundle.verificationMaterial);
}

function checkMaterialSpelling(json: Json | undefined, material: Bundle["verificationMaterial"]): void {
  const { content, timestampVerificationData } = material;
  const entries: readonly TransparencyLogEntry[] = material.tlogEntries;
  if (content.$case === "certificate")
    checkText(at(at(json, "certificate"), "rawBytes"), content.certificate.rawBytes, "certificate");
  if (content.$case === "x509CertificateChain") {
    const list = at(at(json, "x509CertificateChain"), "certificates");
    content.x509CertificateChain.certificates.forEach(({ rawBytes }, i) => {
      checkText(at(at(list, i), "rawBytes"), rawBytes, "certificate");
    });
  }
  const stamps = at(at(json, "timestampVerificationData"), "rfc3161Timestamps");
  timestampVerificationData?.rfc3161Timestamps.forEach(({ signedTimestamp }, i) => {
    checkText(at(at(stamps, i), "signedTimestamp"), signedTimestamp, "timestamp");
  });
  entries.forEach((entry, i) => {
    checkEntrySpelling(at(at(json, "tlogEntries"), i), entry);
  });
}

function checkEntrySpelling(json: Json | undefined, entry: TransparencyLogEntry): void {
  const { canonicalizedBody, logId, inclusionPromise, inclusionProof } = entry;
  checkText(at(json, "canonicalizedBody"), canonicalizedBody, "log entry body");
  checkText(at(at(json, "logId"), "keyId"), logId.keyId, "log id");
  const promise = inclusionPromise?.signedEntryTimestamp;
  if (promise) checkText(at(at(json, "inclusionPromise"), "signedEntryTimestamp"), promise, "promise");
  if (!inclusionProof) return;
  const proof = at(json, "inclusionProof");
  checkText(at(proof, "rootHash"), inclusionProof.rootHash, "root of the inclusion proof");
  inclusionProof.hashes.forEach((hash, i) => {
    checkText(at(at(proof, "hashes"), i), hash, "hash of the inclusion proof");
  });
}

function at(value: Json | undefined, key: string | number): Json | undefined {
  if (typeof key === "number") return Array.isArray(value) ? value[key] : undefined;
  return isJsonObject(value) ? own(value, key) : undefined;
}

function checkText(text: Json | undefined, bytes: Buffer, what: string): void {
  if (text === undefined && bytes.length === 0) return;
  // guard: bundle-base64
  if (typeof text !== "string" || !isCanonicalBase64(text, bytes)) {
    refuse("malformed", `${what} of the sigstore bundle is not canonical base64`);
  }
}
