import type { EvaluationRequest, Evaluator, Verdict } from "@assay/engine";
import { metadataOf, policyName } from "./policy-documents.ts";
import type { RefusedPolicy } from "./policy-sieve.ts";

/** `evaluator`, but what a policy may speak of whose demands are not known is denied, with the policy's mistakes as reason. */
export function withDenials(evaluator: Evaluator, refused: readonly RefusedPolicy[]): Evaluator {
  const denying = refused.filter(({ inForce }) => inForce === "denial");
  return {
    evaluate: async (request, options) => {
      const closing = denying.filter((one) => mayConcern(one, request));
      return closing.length === 0 ? evaluator.evaluate(request, options) : denial(request, closing);
    },
  };
}

/** Whether it denies everything, everywhere. */
export function deniesAll(refused: RefusedPolicy): boolean {
  return refused.inForce === "denial" && refused.document["kind"] !== "Policy";
}

/** A Policy speaks of its own namespace only: one that is broken closes nobody else's. */
function mayConcern(denying: RefusedPolicy, { resource, oldResource }: EvaluationRequest): boolean {
  if (deniesAll(denying)) return true;
  const { namespace } = metadataOf(denying.document);
  return [resource, oldResource].some((object) => object && metadataOf(object).namespace === namespace);
}

function denial({ resource }: EvaluationRequest, closing: readonly RefusedPolicy[]): Verdict {
  const { name = "", namespace } = metadataOf(resource);
  return {
    resource: { kind: String(resource["kind"]), name, ...(namespace === undefined ? {} : { namespace }) },
    allowed: false,
    outcome: "error",
    results: closing.map(({ document, error }) => ({
      policy: policyName(document).replace(/^[^/]*\//, ""),
      rule: "*",
      outcome: "error",
      code: "invalidPolicy",
      message: `the policy is invalid, and what it demanded before is not known: ${messageOf(error)}`,
      failureAction: "Enforce",
    })),
    patches: [],
    warnings: [],
    trace: [],
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
