import {
  hasWildcard,
  ImageReferenceError,
  type ImageReferenceOptions,
  imageVariables,
  matchesDigestForm,
  parseImageReference,
  wildcardMatch,
} from "@assay/image";
import type { Answers, Received, TableCase } from "../table-case.ts";

/** Answers the tables about image references and wildcards. */
export const answers: Answers = {
  imageInfo: (asked) => orImageError(() => imageVariables(image(asked))),
  imageMatches: (asked) =>
    orImageError(() => {
      const reference = image(asked);
      return texts(asked["patterns"]).some((pattern) => matchesDigestForm(pattern, reference));
    }),
  match: (asked) => ({ value: wildcardMatch(String(asked["pattern"]), String(asked["text"])) }),
  containsWildcard: (asked) => ({ value: hasWildcard(String(asked["text"])) }),
  checkPatterns: (asked) => ({
    value: texts(asked["patterns"]).some((pattern) =>
      texts(asked["names"]).some((name) => wildcardMatch(pattern, name)),
    ),
  }),
};

function image(asked: TableCase): ReturnType<typeof parseImageReference> {
  return parseImageReference(String(asked["image"]), (asked["cfg"] ?? {}) as ImageReferenceOptions);
}

function orImageError(answer: () => unknown): Received {
  try {
    return { value: answer() };
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return { error: error.message, errorClass: "image" };
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
