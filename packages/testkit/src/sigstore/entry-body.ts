import { base64, pem, utf8 } from "../signing/encoding.ts";
import { type HashName, hashBytes, type SigningKey } from "../signing/signing-key.ts";
import type { EntryKind, LogRequest } from "./transparency-log.ts";

/** What a log records, before canonicalisation. */
export interface EntryBody {
  readonly kind: string;
  readonly version: string;
  readonly body: Record<string, unknown>;
}

/** The body of a Rekor v1 entry. */
export function bodyV1(request: LogRequest): EntryBody {
  const { kind, version } = KINDS[request.entryKind];
  return { kind, version, body: { apiVersion: version, kind, spec: SPECS[request.entryKind](request) } };
}

const KINDS: Readonly<Record<EntryKind, { readonly kind: string; readonly version: string }>> = {
  hashedrekord: { kind: "hashedrekord", version: "0.0.1" },
  dsse: { kind: "dsse", version: "0.0.1" },
  intoto001: { kind: "intoto", version: "0.0.1" },
  intoto002: { kind: "intoto", version: "0.0.2" },
  rekord: { kind: "rekord", version: "0.0.1" },
};

const SPECS: Readonly<Record<EntryKind, (request: LogRequest) => unknown>> = {
  hashedrekord: (request) => ({
    data: { hash: digestIn(request.hash ?? "sha256", request.signed) },
    signature: { content: base64(request.signature), publicKey: { content: base64(verifierText(request)) } },
  }),
  rekord: (request) => ({
    data: { hash: digestIn(request.hash ?? "sha256", request.signed) },
    signature: {
      content: base64(request.signature),
      format: "x509",
      publicKey: { content: base64(verifierText(request)) },
    },
  }),
  dsse: (request) => ({
    envelopeHash: sha256(request.dsse?.envelope ?? request.signed),
    payloadHash: sha256(request.dsse?.payload ?? request.signed),
    signatures: [{ signature: base64(request.signature), verifier: base64(verifierText(request)) }],
  }),
  intoto001: (request) => ({
    content: {
      hash: sha256(request.dsse?.envelope ?? request.signed),
      payloadHash: sha256(request.dsse?.payload ?? request.signed),
    },
    publicKey: base64(verifierText(request)),
  }),
  intoto002: (request) => ({
    content: {
      envelope: {
        payloadType: request.dsse?.payloadType ?? "",
        // Twice: the envelope's own base64 text is encoded again.
        signatures: [
          { publicKey: base64(verifierText(request)), sig: base64(utf8(base64(request.signature))) },
        ],
      },
      hash: sha256(request.dsse?.envelope ?? request.signed),
      payloadHash: sha256(request.dsse?.payload ?? request.signed),
    },
  }),
};

function sha256(bytes: Uint8Array): unknown {
  return digestIn("sha256", bytes);
}

function digestIn(algorithm: HashName, bytes: Uint8Array): unknown {
  return { algorithm, value: Buffer.from(hashBytes(bytes, algorithm)).toString("hex") };
}

function verifierText({ verifier }: LogRequest): Uint8Array {
  return utf8(pem(verifier.der, verifier.kind === "certificate" ? "CERTIFICATE" : "PUBLIC KEY"));
}

/** The body of a Rekor v2 entry. */
export function bodyV2(request: LogRequest): EntryBody {
  const kind = request.entryKind === "dsse" ? "dsse" : "hashedrekord";
  const verifier = {
    keyDetails: keyDetails(request.verifier.key),
    ...(request.verifier.kind === "certificate"
      ? { x509Certificate: { rawBytes: base64(request.verifier.der) } }
      : { publicKey: { rawBytes: base64(request.verifier.der) } }),
  };
  const signature = { content: base64(request.signature), verifier };
  const digest = (bytes: Uint8Array, hash: HashName = "sha256"): unknown => ({
    algorithm: hash.replace("sha", "SHA2_"),
    digest: base64(hashBytes(bytes, hash)),
  });
  const spec =
    kind === "dsse"
      ? {
          dsseV002: { payloadHash: digest(request.dsse?.payload ?? request.signed), signatures: [signature] },
        }
      : { hashedRekordV002: { data: digest(request.signed, request.hash), signature } };
  return { kind, version: "0.0.2", body: { apiVersion: "0.0.2", kind, spec } };
}

/** Sigstore's name for a kind of key, as logs and trusted roots state it. */
export function keyDetails({ kind }: Pick<SigningKey, "kind">): string {
  switch (kind) {
    case "p256":
      return "PKIX_ECDSA_P256_SHA_256";
    case "p384":
      return "PKIX_ECDSA_P384_SHA_384";
    case "p521":
      return "PKIX_ECDSA_P521_SHA_512";
    case "ed25519":
      return "PKIX_ED25519";
    case "rsa2048":
    case "rsa1024":
    case "rsaExponent3":
      return "PKIX_RSA_PKCS1V15_2048_SHA256";
    case "rsa3072":
      return "PKIX_RSA_PKCS1V15_3072_SHA256";
    case "rsa4096":
      return "PKIX_RSA_PKCS1V15_4096_SHA256";
    case "rsaPss2048":
      return "PKIX_RSA_PSS_2048_SHA256";
    case "secp256k1":
    case "dsa":
    case "x25519":
      return "PUBLIC_KEY_DETAILS_UNSPECIFIED";
  }
}
