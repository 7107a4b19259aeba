import { decodeBase64 } from "../encoding/base64.ts";
import { bufferOf } from "../encoding/buffer-of.ts";
import { parsePem } from "../encoding/pem.ts";
import { isJsonObject, own, parseStrictObject } from "../encoding/strict-json.ts";
import { refuse } from "../refusal.ts";
import { parseDsseEnvelope } from "./dsse-envelope.ts";
import type { Candidate } from "./evidence.ts";
import { type CertificateReader, completeSignature, type EvidenceSignature } from "./evidence-signature.ts";
import { type LogEntry, readRekorEntry } from "./log-entry.ts";

type LegacyCandidate = Extract<Candidate, { kind: "legacy" }>;

/** Annotations of a layer's descriptor (cosign pkg/oci/internal/signature/layer.go:34-38). */
const annotation = {
  signature: "dev.cosignproject.cosign/signature",
  certificate: "dev.sigstore.cosign/certificate",
  chain: "dev.sigstore.cosign/chain",
  bundle: "dev.sigstore.cosign/bundle",
  timestamp: "dev.sigstore.cosign/rfc3161timestamp",
} as const;

/**
 * Reads one layer of a cosign `.sig` or `.att` image. In a `.sig` the signature is an annotation and the layer is what
 * was signed; in an `.att` the layer is a DSSE envelope and the annotation is empty. One is never taken for the other.
 */
export function parseLegacyLayer(
  candidate: LegacyCandidate,
  readCertificate: CertificateReader,
): EvidenceSignature {
  const { origin } = candidate;
  const payload = bufferOf(candidate.payload);
  const read = (name: string): string => readAnnotation(candidate, name);
  const signed =
    candidate.holds === "signature"
      ? readSignature(read(annotation.signature), payload)
      : readEnvelope(read(annotation.signature), payload);
  return completeSignature(
    {
      origin,
      format: "legacy",
      ...signed,
      certificates: [
        ...readCertificates(read(annotation.certificate), "certificate annotation", 1),
        ...readCertificates(read(annotation.chain), "chain annotation", 10),
      ],
      logEntries: readLogEntry(read(annotation.bundle)),
      timestamps: readTimestamp(read(annotation.timestamp)),
    },
    readCertificate,
  );
}

function readAnnotation({ annotations }: LegacyCandidate, name: string): string {
  return Object.hasOwn(annotations, name) ? (annotations[name] ?? "") : "";
}

function readSignature(text: string, payload: Buffer): Pick<EvidenceSignature, "content" | "signature"> {
  // second line: legacy-empty-signature
  if (text === "") refuse("malformed", "layer of a signature image carries no signature");
  return {
    content: { kind: "simpleSigning", payload },
    signature: decodeBase64(text, "signature annotation"),
  };
}

function readEnvelope(text: string, payload: Buffer): Pick<EvidenceSignature, "content" | "signature"> {
  // guard: legacy-attestation-signature
  if (text !== "") refuse("malformed", "layer of an attestation image carries a signature annotation");
  return parseDsseEnvelope(payload);
}

function readCertificates(text: string, what: string, max: number): readonly Buffer[] {
  if (text === "") return [];
  const pem = parsePem(text, max);
  if ("problem" in pem) return refuse("malformed", `${what} ${pem.problem}`);
  const other = pem.blocks.find(({ label }) => label !== "CERTIFICATE");
  // guard: legacy-certificate-label
  if (other !== undefined) refuse("malformed", `${what} holds a PEM block \`${other.label}\``);
  return pem.blocks.map(({ der }) => der);
}

/** The Rekor entry with its signed promise, as cosign stores it (pkg/cosign/bundle/rekor.go). */
function readLogEntry(text: string): readonly LogEntry[] {
  if (text === "") return [];
  const what = "log entry annotation";
  const { members } = parseStrictObject(text, { what });
  const promise = own(members, "SignedEntryTimestamp");
  const payload = own(members, "Payload");
  if (typeof promise !== "string" || !isJsonObject(payload))
    return refuse("malformed", `${what} is incomplete`);
  return [readRekorEntry(payload, { what, promise })];
}

function readTimestamp(text: string): readonly Buffer[] {
  if (text === "") return [];
  const what = "timestamp annotation";
  const token = own(parseStrictObject(text, { what }).members, "SignedRFC3161Timestamp");
  if (typeof token !== "string") return refuse("malformed", `${what} holds no timestamp`);
  return [decodeBase64(token, what)];
}
