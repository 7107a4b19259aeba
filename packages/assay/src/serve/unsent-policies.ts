import type { Logger } from "@assay/engine";
import { type JsonObject, loadPolicies } from "@assay/policy";
import { isSentAnyway } from "@assay/webhook";

/**
 * Says once of each policy that it judges what the API server does not send by the configurations of `deploy/base`: they
 * stay as they are when policies come along, and what was never asked about is in no log.
 */
export function unsentPolicies(
  logger: Logger,
  nameOf: (policy: JsonObject) => string,
): (policies: readonly JsonObject[]) => void {
  let told: ReadonlySet<string> = new Set();
  return (documents) => {
    const unsent = documents.filter(judgesMore).map(nameOf);
    for (const policy of unsent) if (!told.has(policy)) logger.warn({ policy }, unsentText);
    told = new Set(unsent);
  };
}

const unsentText =
  "the policy judges more than deploy/base/webhooks.yaml has sent: add what `assay serve --print-webhooks` prints for it, or it is let in unjudged";

function judgesMore(document: JsonObject): boolean {
  return !isSentAnyway(loadPolicies([{ text: JSON.stringify(document) }]).policies);
}
