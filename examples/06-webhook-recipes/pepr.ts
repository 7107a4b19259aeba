import type { AdmissionReviewResponse } from "@assay/webhook";
import type { Handle } from "./recipe.ts";

/** What a Pepr `Validate` action is given (`PeprValidateRequest`), as far as it is used here. */
interface PeprRequest<Answer> {
  readonly Request: object;
  readonly Approve: (warnings?: string[]) => Answer;
  readonly Deny: (message?: string, code?: number, warnings?: string[]) => Answer;
}

/** Pepr: `When(a.Pod).IsCreatedOrUpdated().Validate(validateImages(admissionHandler(assay)))`. */
export function validateImages(handle: Handle) {
  return async <Answer>({ Request: request, Approve, Deny }: PeprRequest<Answer>): Promise<Answer> => {
    const body = JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
    const headers = { "content-type": "application/json" };
    const answer = await handle(new Request("https://pepr/validate", { method: "POST", headers, body }));
    const { allowed, status, warnings = [] } = ((await answer.json()) as AdmissionReviewResponse).response;
    return allowed ? Approve([...warnings]) : Deny(status?.message, status?.code, [...warnings]);
  };
}
