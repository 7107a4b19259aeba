import { createScope, evaluate } from "@assay/conditions";
import { imageVariables, matchText } from "@assay/image";
import { extractImages, type ImageExtractionOptions, type JsonObject, type Rule } from "@assay/policy";
import type { Answers } from "../table-case.ts";

/** Answers the table about the images of resources. */
export const answers: Answers = {
  extractImages: (asked) => {
    const extractors = (asked["imageExtractors"] ?? {}) as Rule["imageExtractors"];
    const options: ImageExtractionOptions = {
      ...(asked["cfg"] as ImageExtractionOptions | undefined),
      evaluate: (expression, input) => evaluate(expression, createScope({ data: input, now: new Date(0) })),
    };
    const { images, problems } = extractImages(asked["resource"] as JsonObject, extractors, options);
    const problem = problems[0];
    if (problem !== undefined) return { error: problem.message };
    const groups: Record<string, Record<string, unknown>> = {};
    for (const { group, key, pointer, reference, pullSecrets } of images) {
      const facts = { ...imageVariables(reference), string: matchText(reference) };
      groups[group] = {
        ...groups[group],
        [key]: { ...facts, jsonPointer: pointer, imagePullSecrets: pullSecrets },
      };
    }
    return { value: groups };
  },
};
