import "./shims/globals.ts";
import {
  createEngine,
  decodeRecord,
  type EvaluationRecord,
  explain,
  replaySources,
  type Verdict,
} from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import { type Diagnostic, inspectPolicies, loadPolicies, parseDocuments } from "@assay/policy";
import { recordedFacts } from "./recorded-facts.ts";
import { useFacts } from "./recorded-kernel.ts";

/** What the page shows for one pair of texts. */
export type Outcome =
  | {
      readonly kind: "verdict";
      readonly verdict: Verdict;
      readonly text: string;
      readonly warnings: readonly Diagnostic[];
    }
  | {
      readonly kind: "problems";
      readonly where: "policy" | "resource";
      readonly problems: readonly Diagnostic[];
    }
  | { readonly kind: "error"; readonly message: string };

export type { EvaluationRecord };
export { decodeRecord };

/** Judges the texts by the record's answers and facts. Never throws: mistakes in the texts are outcomes. */
export async function judge(
  policyText: string,
  resourceText: string,
  record: EvaluationRecord,
): Promise<Outcome> {
  try {
    const inspected = inspectPolicies({ text: policyText, file: "policy.yaml" });
    const errors = inspected.diagnostics.filter(({ severity }) => severity === "error");
    if (errors.length > 0) return { kind: "problems", where: "policy", problems: errors };
    const { policies, exceptions } = loadPolicies({ text: policyText, file: "policy.yaml" });
    const { documents, diagnostics } = parseDocuments({ text: resourceText, file: "resource.yaml" });
    const broken = diagnostics.filter(({ severity }) => severity === "error");
    if (broken.length > 0) return { kind: "problems", where: "resource", problems: broken };
    useFacts(recordedFacts(record));
    const engine = createEngine({
      policies,
      exceptions,
      sources: replaySources(record),
      clock: () => new Date(record.clock),
      ...(record.options.variables === undefined ? {} : { variables: record.options.variables }),
    });
    const { verdict } = await engine.evaluate({ ...record.request, resource: documents[0] as JsonObject });
    return { kind: "verdict", verdict, text: explain(verdict), warnings: inspected.diagnostics };
  } catch (error) {
    return { kind: "error", message: error instanceof Error ? error.message : String(error) };
  }
}
