import type { Evaluator, Logger } from "@assay/engine";
import { ControllerError } from "./controller-error.ts";
import type { PolicyDocuments } from "./policy-watcher.ts";

export interface ReloadableEvaluator extends Evaluator {
  /** Swaps the policies. A set that does not load leaves the old one in force; the error says which policy is wrong. */
  load(documents: PolicyDocuments): void;
  /** False until a first set has loaded: a webhook that answers without policies would let everything in. */
  ready(): boolean;
}

/**
 * An evaluator whose policies can be exchanged while it runs. Requests under way finish with the policies they started
 * with. `build` throws for policies that are invalid.
 */
export function reloadableEvaluator(
  build: (documents: PolicyDocuments) => Evaluator,
  options: { readonly logger?: Logger; readonly refused?: (error: unknown) => void } = {},
): ReloadableEvaluator {
  let current: Evaluator | undefined;
  return {
    ready: () => current !== undefined,
    load: (documents) => {
      try {
        current = build(documents);
        options.logger?.info({ policies: documents.policies.length }, "policies loaded");
      } catch (error) {
        options.logger?.error({ error: String(error) }, "policies not loaded, the old ones stay in force");
        options.refused?.(error);
      }
    },
    evaluate: (request, run) => {
      if (current === undefined) {
        return Promise.reject(
          new ControllerError("notReady", "no policies are loaded yet: image verification is closed"),
        );
      }
      return current.evaluate(request, run);
    },
  };
}
