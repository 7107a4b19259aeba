import type { Verdict } from "@assay/engine";
import { type AssayOptions, createAssay } from "./create-assay.ts";
import { type ImageQuestion, podOf, policyOf } from "./image-question.ts";

/** How `evaluateImage` reaches registries and trust roots: as `createAssay`, and an abort signal. */
export interface EvaluateImageOptions extends Omit<AssayOptions, "policies"> {
  readonly signal?: AbortSignal;
}

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
  const { signal, ...rest } = options;
  const assay = createAssay({ ...rest, policies: JSON.stringify(policyOf(question)) });
  return assay.evaluate({ resource: podOf(image) }, signal === undefined ? {} : { signal });
}
