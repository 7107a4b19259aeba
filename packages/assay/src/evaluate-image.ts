import type { EvaluationOptions, Verdict } from "@assay/engine";
import { PolicyError, type Trace } from "@assay/policy";
import { AssayError } from "./assay-error.ts";
import type { AssayOptions } from "./assay-options.ts";
import { assayOptionsIn } from "./check-options.ts";
import { checkQuestion } from "./check-question.ts";
import { type Assay, createAssay } from "./create-assay.ts";
import { type ImageQuestion, podOf, policyOf } from "./image-question.ts";

/** How `evaluateImage` reaches registries and trust roots: as `createAssay`, with a signal and a deadline. */
export interface EvaluateImageOptions extends Omit<AssayOptions, "policies">, EvaluationOptions {}

/**
 * Is this image signed by this key or identity (and does it have these attestations)?
 *
 * The verdict's first result names the digest that was verified: run that, not the tag. Rejects with
 * `AssayError` `invalidQuestion` on a bad PEM, an identity without subject or issuer, several signers, an annotation
 * without a value or an unknown field; what the registry holds ends up in the verdict.
 */
export async function evaluateImage(
  image: string,
  question: ImageQuestion,
  options: EvaluateImageOptions = {},
): Promise<Verdict> {
  if (typeof image !== "string" || image.trim() === "")
    throw new AssayError("invalidQuestion", "no image is named");
  checkQuestion(question);
  const assay = openQuestion(question, options);
  const verdict = await assay.evaluate({ resource: podOf(image) }, options);
  // Judged as the only container of a Pod that nobody wrote, so the verdict is about the image.
  const resource = { kind: "Image", name: image };
  return proven({ ...verdict, resource, trace: verdict.trace.map(withoutPlace) });
}

/** `{ key: undefined, identity }` names an identity: what is undefined was not given. */
function given(question: ImageQuestion): ImageQuestion {
  const fields = Object.entries(question).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as ImageQuestion;
}

/** INVARIANT: `allowed` rests on an image that was verified, never on there being nothing to verify. */
function proven(verdict: Verdict): Verdict {
  if (!verdict.allowed || verdict.results.some(({ outcome }) => outcome === "pass")) return verdict;
  const warning = "nothing was verified: this is no answer to the question";
  return { ...verdict, allowed: false, outcome: "error", warnings: [...verdict.warnings, warning] };
}

/** Lines and columns of a policy that nobody wrote would only mislead. */
function withoutPlace({ source: _, ...trace }: Trace): Trace {
  return { ...trace, children: trace.children.map(withoutPlace) };
}

/** The question becomes a policy that nobody wrote: its positions would mislead, what is wrong with it stays. */
function openQuestion(question: ImageQuestion, options: EvaluateImageOptions): Assay {
  try {
    return createAssay({ ...assayOptionsIn(options), policies: JSON.stringify(policyOf(given(question))) });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const message = error.message.replace(/^policy\.yaml:\d+:\d+: /, "");
    throw new AssayError("invalidQuestion", message, { cause: error });
  }
}
