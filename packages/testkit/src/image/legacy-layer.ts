import { base64, pem } from "../signing/encoding.ts";
import type { LogEntry } from "../sigstore/transparency-log.ts";
import type { SignedArtifact } from "./sign-options.ts";
import type { SignedMaterial } from "./signed-material.ts";

/** One layer of cosign's `.sig` or `.att` image: the payload, and the signature with its proofs as annotations. */
export function legacyLayerOf(material: SignedMaterial): SignedArtifact {
  const { holds, options } = material;
  const payload = material.envelope?.bytes ?? material.payload;
  const annotations = annotationsOf(material);
  return {
    kind: "legacy",
    holds,
    shelf: options.format === "oci11" ? "referrer" : "tag",
    payload: options.edit?.layer?.(payload) ?? payload,
    mediaType:
      holds === "signature"
        ? "application/vnd.dev.cosign.simplesigning.v1+json"
        : "application/vnd.dsse.envelope.v1+json",
    annotations: options.edit?.layerAnnotations?.(annotations) ?? annotations,
  };
}

function annotationsOf({
  holds,
  signature,
  signer,
  entries,
  timestamps,
}: SignedMaterial): Record<string, string> {
  const { certificate, chain = [] } = signer;
  const [entry] = entries;
  const [timestamp] = timestamps;
  return {
    // Present but empty on attestations: the signature is inside the envelope.
    "dev.cosignproject.cosign/signature": holds === "signature" ? base64(signature) : "",
    ...(certificate === undefined
      ? {}
      : { "dev.sigstore.cosign/certificate": pem(certificate, "CERTIFICATE") }),
    ...(certificate === undefined
      ? {}
      : { "dev.sigstore.cosign/chain": chain.map((der) => pem(der, "CERTIFICATE")).join("") }),
    ...(entry === undefined ? {} : { "dev.sigstore.cosign/bundle": JSON.stringify(promiseOf(entry)) }),
    ...(timestamp === undefined
      ? {}
      : {
          "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({
            SignedRFC3161Timestamp: base64(timestamp),
          }),
        }),
  };
}

function promiseOf(entry: LogEntry): unknown {
  return {
    SignedEntryTimestamp: base64(entry.promise ?? new Uint8Array()),
    Payload: {
      body: base64(entry.body),
      integratedTime: entry.integratedTime,
      logIndex: entry.logIndex,
      logID: Buffer.from(entry.logId).toString("hex"),
    },
  };
}
