export type {
  Evaluation,
  EvaluationOptions,
  EvaluationRecord,
  EvaluationRequest,
  EvidenceSource,
  JsonPatch,
  Plan,
  Result,
  Verdict,
} from "@assay/engine";
export { decodeRecord, EngineError, type EngineErrorCode, encodeRecord, explain } from "@assay/engine";
export type { Code, Diagnostic, Json, JsonObject, Outcome, Policy, Trace } from "@assay/policy";
export { PolicyError } from "@assay/policy";
export { layoutSource } from "@assay/sources/layout";
export type { RegistryOptions } from "@assay/sources/registry";
export { registrySource } from "@assay/sources/registry";
export { AssayError, type AssayErrorCode } from "./assay-error.ts";
export type { AssayOptions, PolicyText } from "./assay-options.ts";
export { type Assay, createAssay } from "./create-assay.ts";
export { type EvaluateImageOptions, evaluateImage } from "./evaluate-image.ts";
export type {
  CertificateSigner,
  ImageQuestion,
  KeylessSigner,
  KeySigner,
  Signer,
} from "./image-question.ts";
export { replay } from "./replay.ts";
