import type { Logger } from "@assay/engine";
import type { KubeConfig } from "@kubernetes/client-node";
import { metadataOf, policyName } from "./policy-documents.ts";
import { consequences, type RefusedPolicy } from "./policy-sieve.ts";
import { writeWarning } from "./warning-event.ts";

/** Tells the authors of refused policies, beside the objects, what is wrong. Failing to tell them changes nothing else. */
export async function tellRefusals(
  config: KubeConfig,
  news: readonly RefusedPolicy[],
  logger?: Logger,
): Promise<void> {
  for (const refused of news) {
    try {
      await writeWarning(config, warningOf(refused));
    } catch (error) {
      logger?.warn({ policy: policyName(refused.document), error: String(error) }, "event not written");
    }
  }
}

function warningOf({ document, error, inForce }: RefusedPolicy): Parameters<typeof writeWarning>[1] {
  const { uid = "", name = "", namespace } = metadataOf(document);
  const message = `not in force: ${error instanceof Error ? error.message : String(error)}; ${consequences[inForce]}`;
  return {
    about: {
      apiVersion: String(document["apiVersion"]),
      kind: String(document["kind"]),
      name,
      uid,
      ...(namespace === undefined ? {} : { namespace }),
    },
    reason: "PolicyError",
    message,
  };
}
