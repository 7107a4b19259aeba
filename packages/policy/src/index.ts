export { type Diagnostic, type DiagnosticCode, diagnosticText } from "./diagnostic.ts";
export {
  type ExtractedImage,
  type ExtractionProblem,
  extractImages,
  type ImageExtraction,
  type ImageExtractionOptions,
} from "./extract-images.ts";
export { failureActionFor, type NamespaceFacts } from "./failure-action.ts";
export { type ImageKind, imageKinds } from "./image-kinds.ts";
export { selectImage } from "./image-selection.ts";
export { indexPolicies, type PolicyIndex, type RuleCandidate } from "./index-policies.ts";
export { type JsonProblem, jsonProblem } from "./json-problem.ts";
export type { KindSelector, ResourceKind } from "./kind-selector.ts";
export {
  inspectPolicies,
  type LoadedPolicies,
  loadPolicies,
  type PolicyInput,
  parseDocuments,
} from "./load-policies.ts";
export { type ExceptionMatch, exceptsImage, matchException } from "./match-exception.ts";
export { type MatchRequest, matchRule, type RuleMatch, type UserInfo } from "./match-rule.ts";
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
export type { DocumentLimits, SourceFile } from "./parse-documents.ts";
export { PolicyError } from "./policy-error.ts";
export { positionOf } from "./position-of.ts";
export type { SourcePosition } from "./source-position.ts";
export type { Code, Fact, Outcome, Step, Trace } from "./trace.ts";
