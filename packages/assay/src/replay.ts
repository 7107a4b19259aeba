import { createEngine, type EvaluationRecord, replaySources, type Verdict } from "@assay/engine";
import { type LoadedPolicies, loadPolicies, type PolicyInput } from "@assay/policy";
import { noPolicyIn } from "./create-assay.ts";

/**
 * Judges a record again, from its own answers only: no network, no clock, no file. With the recorded policies the verdict
 * is the recorded one, byte for byte. With other policies it is theirs; a question that was not asked when the record was
 * made cannot be decided and is never allowed. Throws `AssayError` where the policies are none.
 */
export async function replay(record: EvaluationRecord, policies?: PolicyInput): Promise<Verdict> {
  const sources = replaySources(record);
  const loaded: LoadedPolicies = loadPolicies(policies ?? record.policies);
  // A record may be of an assay without policies: then it holds no file either. Who gives others means some.
  const isLost = policies !== undefined || record.policies.length > 0;
  if (isLost && loaded.policies.length === 0) throw noPolicyIn(filesOf(policies ?? record.policies), loaded);
  const engine = createEngine({
    ...record.options,
    policies: loaded.policies,
    exceptions: loaded.exceptions,
    sources,
    clock: () => new Date(record.clock),
  });
  return (await engine.evaluate(record.request)).verdict;
}

function filesOf(policies: PolicyInput): readonly { readonly file: string }[] {
  const files = (Array.isArray(policies) ? policies : [policies]) as readonly (string | { file?: string })[];
  return files.map((one) => ({ file: (typeof one === "string" ? undefined : one.file) ?? "policy.yaml" }));
}
