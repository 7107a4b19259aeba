export { type Diagnostic, type DiagnosticCode, diagnosticText } from "./diagnostic.ts";
export {
  type ExtractedImage,
  type ExtractionProblem,
  extractImages,
  type ImageExtraction,
  type ImageExtractionOptions,
} from "./images/extract-images.ts";
export { type ImageKind, imageKinds } from "./images/image-kinds.ts";
export { selectImage } from "./images/image-selection.ts";
export { type JsonProblem, jsonProblem } from "./json-problem.ts";
export {
  inspectPolicies,
  type LoadedPolicies,
  loadPolicies,
  type PolicyInput,
  parseDocuments,
} from "./load-policies.ts";
export { failureActionFor, type NamespaceFacts } from "./match/failure-action.ts";
export { indexPolicies, type PolicyIndex, type RuleCandidate } from "./match/index-policies.ts";
export type { KindSelector, ResourceKind } from "./match/kind-selector.ts";
export { type ExceptionMatch, exceptsImage, matchException } from "./match/match-exception.ts";
export { type MatchRequest, matchRule, type RuleMatch, type UserInfo } from "./match/match-rule.ts";
export type {
  AttestationRule,
  Attestor,
  AttestorSet,
  CertificateAttestor,
  ContextEntry,
  CtLog,
  ExceptedRules,
  FailureAction,
  FailureActionOverride,
  FailurePolicy,
  ImageExtractor,
  ImageVerification,
  Json,
  JsonObject,
  KeyAttestor,
  KeylessAttestor,
  LabelSelector,
  Operation,
  Place,
  Policy,
  PolicyException,
  RegistryCredentials,
  Rekor,
  ResourceFilter,
  ResourceMatch,
  Rule,
  SignatureAlgorithm,
} from "./model.ts";
export { PolicyError } from "./policy-error.ts";
export type { Code, Fact, Outcome, Step, Trace } from "./trace.ts";
export type { DocumentLimits, SourceFile } from "./yaml/parse-documents.ts";
export { positionOf } from "./yaml/position-of.ts";
export type { SourcePosition } from "./yaml/source-position.ts";
