export { type Digest, isDigest, parseDigest } from "./digest.ts";
export {
  type ImagePattern,
  type ImagePatternOptions,
  imagePattern,
  matchesDigestForm,
  selects,
} from "./image-pattern.ts";
export {
  type ImageReference,
  type ImageVariables,
  imageVariables,
  matchText,
  pinnedText,
  repositoryName,
  tagText,
} from "./image-reference.ts";
export { ImageReferenceError, type ImageReferenceErrorCode } from "./image-reference-error.ts";
export { type ImageReferenceOptions, parseImageReference } from "./parse-image-reference.ts";
export { selectionTexts } from "./selection-texts.ts";
export { hasWildcard, wildcardMatch } from "./wildcard-match.ts";
