import type { Assay, JsonObject } from "assay";

/** What a Pepr `Validate` action is given (`PeprValidateRequest`), as far as it is used here. */
interface PeprRequest {
  readonly Raw: object;
  readonly Request: { readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT" };
  readonly Approve: () => object;
  readonly Deny: (message: string, code?: number) => object;
}

/** Pepr: `When(a.Pod).IsCreatedOrUpdated().Validate(validateImages(assay))`. */
export function validateImages(assay: Assay) {
  return async (request: PeprRequest): Promise<object> => {
    const { operation } = request.Request;
    const verdict = await assay.evaluate({ resource: request.Raw as JsonObject, operation, mutate: false });
    return verdict.allowed
      ? request.Approve()
      : request.Deny(verdict.results.map((r) => r.message).join("; "), 403);
  };
}
