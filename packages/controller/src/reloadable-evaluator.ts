import type { Evaluator, Logger } from "@assay/engine";
import { ControllerError } from "./controller-error.ts";
import { deniesAll, withDenials } from "./policy-denials.ts";
import type { PolicyDocuments } from "./policy-documents.ts";
import { policyName } from "./policy-documents.ts";
import { consequences, type PolicyStanding, policySieve, type RefusedPolicy } from "./policy-sieve.ts";

export interface ReloadableEvaluator extends Evaluator {
  /**
   * Swaps the policies, all at once. A document that is invalid is refused by itself: the last valid version of a policy
   * stays in force, an exception that is invalid excepts nothing, and all others take effect.
   */
  load(documents: PolicyDocuments): void;
  /**
   * False until a first set has loaded, since a webhook that answers without policies would let everything in; and as long
   * as a ClusterPolicy that was invalid in the first set is, since what it demanded before cannot be known.
   */
  ready(): boolean;
}

export interface ReloadOptions {
  readonly logger?: Logger;
  /** Told after every load what is in force and what is not. */
  readonly loaded?: (standing: PolicyStanding) => void;
}

/**
 * An evaluator whose policies can be exchanged while it runs. Requests under way finish with the policies they started
 * with. `build` throws for policies that are invalid; it is called for each changed document alone, to know which one is,
 * and then for all that are valid.
 */
export function reloadableEvaluator(
  build: (documents: PolicyDocuments) => Evaluator,
  { logger, loaded }: ReloadOptions = {},
): ReloadableEvaluator {
  const sieve = policySieve((document) => void build(document));
  let current: Evaluator | undefined;
  let refused: readonly RefusedPolicy[] = [];
  return {
    ready: () => current !== undefined && !refused.some(deniesAll),
    load: (documents) => {
      const standing = sieve(documents);
      refused = standing.refused;
      for (const one of standing.news) logRefusal(one, logger);
      try {
        current = withDenials(build(standing.inForce), refused);
      } catch (error) {
        logger?.error({ error: String(error) }, "policies not loaded, the old ones stay in force");
        return;
      }
      const { policies, exceptions } = standing.inForce;
      const counts = { policies: policies.length, exceptions: exceptions.length, refused: refused.length };
      logger?.info(counts, "policies loaded");
      loaded?.(standing);
    },
    evaluate: async (request, run) => {
      if (current === undefined) {
        throw new ControllerError("notReady", "no policies are loaded yet: image verification is closed");
      }
      return current.evaluate(request, run);
    },
  };
}

function logRefusal({ document, error, inForce }: RefusedPolicy, logger: Logger | undefined): void {
  logger?.error(
    { policy: policyName(document), error: String(error) },
    `policy refused: ${consequences[inForce]}`,
  );
}
