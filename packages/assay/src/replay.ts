import { createEngine, type EvaluationRecord, replaySources, type Verdict } from "@assay/engine";
import { type LoadedPolicies, loadPolicies, type PolicyInput } from "@assay/policy";

/**
 * Judges a record again, from its own answers only: no network, no clock, no file. With the recorded policies the verdict
 * is the recorded one, byte for byte. With other policies it is theirs; a question that was not asked when the record was
 * made cannot be decided and is never allowed.
 */
export async function replay(record: EvaluationRecord, policies?: PolicyInput): Promise<Verdict> {
  const sources = replaySources(record);
  const loaded: LoadedPolicies = loadPolicies(policies ?? record.policies);
  const engine = createEngine({
    ...record.options,
    policies: loaded.policies,
    exceptions: loaded.exceptions,
    sources,
    clock: () => new Date(record.clock),
  });
  return (await engine.evaluate(record.request)).verdict;
}
