import type { EvaluationOptions, Verdict } from "@assay/engine";
import { type AssayOptions, createAssay } from "./create-assay.ts";
import { type ImageQuestion, podOf, policyOf } from "./image-question.ts";

/** How `evaluateImage` reaches registries and trust roots: as `createAssay`, with a signal and a deadline. */
export interface EvaluateImageOptions extends Omit<AssayOptions, "policies">, EvaluationOptions {}

/**
 * Is this image signed by this key or identity (and does it have these attestations)?
 *
 * The verdict's first result names the digest that was verified: run that, not the tag. Rejects on a malformed question
 * (`PolicyError`: a bad PEM, an identity without subject or issuer); what the registry holds ends up in the verdict.
 */
export async function evaluateImage(
  image: string,
  question: ImageQuestion,
  options: EvaluateImageOptions = {},
): Promise<Verdict> {
  const assay = createAssay({ ...options, policies: JSON.stringify(policyOf(question)) });
  return assay.evaluate({ resource: podOf(image) }, options);
}
