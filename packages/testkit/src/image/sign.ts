import { digestOf } from "../registry/store.ts";
import { base64, jsonBytes, preAuthEncoding, utf8 } from "../signing/encoding.ts";
import { signBytes } from "../signing/signing-key.ts";
import type { Signer } from "../sigstore/signer.ts";
import type { TimestampAuthority } from "../sigstore/timestamp.ts";
import type { LogEntry, LogRequest, TransparencyLog } from "../sigstore/transparency-log.ts";
import { bundleOf } from "./bundle.ts";
import { legacyLayerOf } from "./legacy-layer.ts";
import type { Predicate } from "./predicates.ts";
import { checkSigning, type SignedArtifact, type SignOptions } from "./sign-options.ts";
import type { SignedMaterial } from "./signed-material.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const SIGN_V1 = "https://sigstore.dev/cosign/sign/v1";

/** The image that is signed: its digest, its manifest's bytes, and its name for the claim. */
export interface SignedSubject {
  readonly digest: string;
  readonly manifest: Uint8Array;
  readonly name: string;
}

/** An image signature in the format that the options ask for. */
export function signImage(subject: SignedSubject, signer: Signer, options: SignOptions = {}): SignedArtifact {
  checkSigning(signer, options);
  if (!isBundle(options))
    return legacyLayerOf(signMessage(jsonBytes(claimOf(subject, options)), signer, options));
  if (options.content === "message") return bundleOf(signMessage(subject.manifest, signer, options));
  const annotations = options.annotations === undefined ? {} : { annotations: options.annotations };
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: hexOf(subject.digest) }, ...annotations }],
    predicateType: SIGN_V1,
    predicate: {},
  };
  return bundleOf(signStatement(statement, signer, { ...options, holds: "signature" }), SIGN_V1);
}

/** An attestation in the format that the options ask for. */
export function attestImage(
  subject: SignedSubject,
  { predicate, predicateType, statementType }: Predicate,
  signer: Signer,
  options: SignOptions = {},
): SignedArtifact {
  checkSigning(signer, options);
  const statement = {
    _type: statementType ?? "https://in-toto.io/Statement/v0.1",
    predicateType,
    subject: [{ name: subject.name, digest: { sha256: hexOf(subject.digest) } }],
    predicate,
  };
  const material = signStatement(statement, signer, { ...options, holds: "attestation" });
  return isBundle(options) ? bundleOf(material, predicateType) : legacyLayerOf(material);
}

function isBundle(options: SignOptions): boolean {
  return options.format?.startsWith("bundle") === true;
}

function claimOf(subject: SignedSubject, options: SignOptions): unknown {
  const claim = {
    critical: {
      identity: { "docker-reference": subject.name },
      image: { "docker-manifest-digest": subject.digest },
      type: "cosign container image signature",
    },
    optional: options.annotations ?? null,
  };
  return options.edit?.payload?.(claim) ?? claim;
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}

function signMessage(payload: Uint8Array, signer: Signer, options: SignOptions): SignedMaterial {
  const signature = signed(payload, signer, options);
  const request = { entryKind: options.entryKind ?? "hashedrekord", signature, signed: payload } as const;
  return {
    ...{ signer, options, holds: "signature", signature, payload },
    entries: logged(request, signer, options),
    timestamps: timestamped(signature, signer, options),
  };
}

function signStatement(
  statement: Record<string, unknown>,
  signer: Signer,
  options: SignOptions & { readonly holds: "signature" | "attestation" },
): SignedMaterial {
  const { edit, holds } = options;
  const payload = jsonBytes(edit?.payload?.(statement) ?? statement);
  const payloadType = edit?.payloadType ?? IN_TOTO;
  const toSign = preAuthEncoding(payloadType, payload);
  const signature = signed(toSign, signer, options);
  const envelope = {
    payloadType,
    payload: base64(payload),
    signatures: [{ keyid: "", sig: base64(signature) }],
  };
  const bytes = jsonBytes(edit?.envelope?.(envelope) ?? envelope);
  const request = {
    ...{ entryKind: options.entryKind ?? "dsse", signature, signed: toSign },
    dsse: { payload, payloadType, envelope: bytes },
  } as const;
  return {
    ...{ signer, options, holds, signature, payload, envelope: { payloadType, bytes } },
    entries: logged(request, signer, options),
    // cosign timestamps the raw signature, except for legacy attestations, where it is the whole envelope.
    timestamps: timestamped(isBundle(options) ? signature : bytes, signer, options),
  };
}

function signed(data: Uint8Array, signer: Signer, options: SignOptions): Uint8Array {
  const signature = signBytes(signer, data, options.hash);
  return options.edit?.signature?.(signature) ?? signature;
}

function logged(
  request: Pick<LogRequest, "entryKind" | "signature" | "signed" | "dsse">,
  signer: Signer,
  { log = signer.log, edit, at, logEvidence, format, hash, entryKind }: SignOptions,
): readonly LogEntry[] {
  const evidence = logEvidence ?? (format === undefined || !format.startsWith("bundle") ? "promise" : "both");
  return listOf<TransparencyLog>(log).map((each) => {
    // Rekor v2 records a hash of what was signed, statements too, unless the test says otherwise: cosign reads no other.
    const kind = entryKind ?? (each.version === 2 ? "hashedrekord" : request.entryKind);
    const verifier = verifierOf(signer);
    const asked: LogRequest = { ...request, entryKind: kind, hash, verifier, editBody: edit?.logBody };
    const entry = each.record(edit?.logRequest?.(asked) ?? asked, { at, evidence });
    return edit?.entry?.(entry) ?? entry;
  });
}

function verifierOf(signer: Signer): LogRequest["verifier"] {
  return signer.certificate === undefined
    ? { kind: "publicKey", der: signer.spki, key: signer }
    : { kind: "certificate", der: signer.certificate, key: signer };
}

function timestamped(data: Uint8Array, signer: Signer, options: SignOptions): readonly Uint8Array[] {
  const { timestampAuthority = signer.timestampAuthority, at, edit } = options;
  return listOf<TimestampAuthority>(timestampAuthority).map((authority) => {
    const response = authority.timestamp(data, at);
    return edit?.timestamp?.(response) ?? response;
  });
}

function listOf<T>(value: T | readonly T[] | false | undefined): readonly T[] {
  if (value === undefined || value === false) return [];
  return isList(value) ? value : [value];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** For callers that sign something else than an image made here. */
export function subjectOf(manifest: Uint8Array | string, name: string): SignedSubject {
  const bytes = typeof manifest === "string" ? utf8(manifest) : manifest;
  return { digest: digestOf(bytes), manifest: bytes, name };
}
