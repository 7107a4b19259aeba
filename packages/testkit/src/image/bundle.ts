import { base64, jsonBytes } from "../signing/encoding.ts";
import { type HashName, hashBytes } from "../signing/signing-key.ts";
import type { Signer } from "../sigstore/signer.ts";
import type { LogEntry } from "../sigstore/transparency-log.ts";
import type { Format, SignedArtifact } from "./sign-options.ts";
import type { SignedMaterial } from "./signed-material.ts";

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  "bundle-v0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
  "bundle-v0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "bundle-v0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
};

const HASHES: Readonly<Record<HashName, string>> = {
  sha1: "HASH_ALGORITHM_UNSPECIFIED",
  sha224: "HASH_ALGORITHM_UNSPECIFIED",
  sha256: "SHA2_256",
  sha384: "SHA2_384",
  sha512: "SHA2_512",
};

/** A Sigstore bundle in its JSON form, with the hints that cosign puts on the referrer's manifest. */
export function bundleOf(material: SignedMaterial, predicateType?: string): SignedArtifact {
  const { options, holds, envelope } = material;
  const mediaType = MEDIA_TYPES[options.format ?? "bundle-v0.3"] ?? "";
  const bundle = {
    mediaType,
    verificationMaterial: {
      ...verifierOf(material.signer, options.format, options.withChain),
      tlogEntries: material.entries.map(entryOf),
      timestampVerificationData: {
        rfc3161Timestamps: material.timestamps.map((response) => ({ signedTimestamp: base64(response) })),
      },
    },
    ...contentOf(material),
  };
  return {
    kind: "bundle",
    holds,
    mediaType,
    bytes: jsonBytes(options.edit?.bundle?.(bundle) ?? bundle),
    annotations: {
      "dev.sigstore.bundle.content": envelope === undefined ? "message-signature" : "dsse-envelope",
      ...(predicateType === undefined ? {} : { "dev.sigstore.bundle.predicateType": predicateType }),
    },
  };
}

function contentOf({ envelope, payload, signature, options }: SignedMaterial): Record<string, unknown> {
  if (envelope !== undefined) {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(envelope.bytes));
    return { dsseEnvelope: parsed };
  }
  const hash = options.hash ?? "sha256";
  const messageDigest = { algorithm: HASHES[hash], digest: base64(hashBytes(payload, hash)) };
  return { messageSignature: { messageDigest, signature: base64(signature) } };
}

function verifierOf(signer: Signer, format: Format | undefined, withChain: boolean | undefined): object {
  const { certificate, chain = [] } = signer;
  if (certificate === undefined) return { publicKey: { hint: base64(hashBytes(signer.spki)) } };
  if (!(withChain ?? format !== "bundle-v0.3")) return { certificate: { rawBytes: base64(certificate) } };
  const certificates = [certificate, ...chain].map((der) => ({ rawBytes: base64(der) }));
  return { x509CertificateChain: { certificates } };
}

/** A log entry in a bundle's JSON form. 64-bit numbers are strings there. */
function entryOf(entry: LogEntry): unknown {
  const { proof, promise } = entry;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: base64(entry.logId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    integratedTime: String(entry.integratedTime),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: base64(promise) } }),
    ...(proof === undefined
      ? {}
      : {
          inclusionProof: {
            logIndex: String(proof.logIndex),
            rootHash: base64(proof.rootHash),
            treeSize: String(proof.treeSize),
            hashes: proof.hashes.map(base64),
            checkpoint: { envelope: proof.checkpoint },
          },
        }),
    canonicalizedBody: base64(entry.body),
  };
}
