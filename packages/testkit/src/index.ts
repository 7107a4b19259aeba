export { FROZEN_TIME } from "./frozen-time.ts";
export { type ImageOptions, image, type PushedImage, type TestImage } from "./image/image.ts";
export { custom, type Predicate, predicate, slsa, spdx, vuln } from "./image/predicates.ts";
export type { Edits, Format, SignedArtifact, SignOptions } from "./image/sign-options.ts";
export type { RegistryAuth } from "./registry/auth.ts";
export type { Fault, FaultEffect } from "./registry/faults.ts";
export { type Handler, hostFetch } from "./registry/host-fetch.ts";
export { loadLayout } from "./registry/load-layout.ts";
export {
  createRegistry,
  type PushOptions,
  type Registry,
  type RegistryOptions,
  type RequestRecord,
} from "./registry/registry.ts";
export type { RunningServer } from "./registry/server.ts";
export type { Descriptor } from "./registry/store.ts";
export { writeLayout } from "./registry/write-layout.ts";
export { createKey, type HashName, type KeyKind, type SigningKey } from "./signing/signing-key.ts";
export {
  type AuthorityOptions,
  type CertificateAuthority,
  createAuthority,
  type LeafSpec,
} from "./sigstore/authority.ts";
export type { AlternativeName, ExtensionSpec } from "./sigstore/extensions.ts";
export type { Signer } from "./sigstore/signer.ts";
export {
  createSigstore,
  type IdentityOptions,
  type Sigstore,
  type SigstoreOptions,
} from "./sigstore/sigstore.ts";
export type { TimestampAuthority, TimestampOptions } from "./sigstore/timestamp.ts";
export type {
  EntryKind,
  LogEntry,
  LogRequest,
  RecordOptions,
  TransparencyLog,
} from "./sigstore/transparency-log.ts";
export type { TrustedRootJson } from "./sigstore/trusted-root.ts";
export { TestkitError, type TestkitErrorCode } from "./testkit-error.ts";
