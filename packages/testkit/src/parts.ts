export { type AttachTarget, attach, fallbackTag } from "./image/attach.ts";
export { attestImage, type SignedSubject, signImage, subjectOf } from "./image/sign.ts";
export { listen } from "./registry/server.ts";
export { base64, jsonBytes, pem, preAuthEncoding, utf8 } from "./signing/encoding.ts";
export { hashBytes, signBytes } from "./signing/signing-key.ts";
export { type CertificateIssuer, type CertificateSpec, issueCertificate } from "./sigstore/certificate.ts";
export { type CtLog, createCtLog, sctExtension } from "./sigstore/ct-log.ts";
export { der, TAG } from "./sigstore/der.ts";
export { createRekor, createRekorV2, type LogOptions, signedNote } from "./sigstore/rekor.ts";
export { rekorAnswer } from "./sigstore/rekor-api.ts";
export { fulcioExtensions, GITHUB_ISSUER, GITHUB_SUBJECT } from "./sigstore/sigstore.ts";
export { createTimestampAuthority, type TimestampAuthorityOptions } from "./sigstore/timestamp-authority.ts";
export { type TrustedParts, trustedRootOf, type ValidFor } from "./sigstore/trusted-root.ts";
export {
  createTufRepository,
  type PublishOptions,
  type TufRepository,
  type TufTarget,
  tufKey,
} from "./sigstore/tuf.ts";
