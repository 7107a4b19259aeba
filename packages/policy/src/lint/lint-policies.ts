import type { Diagnostic } from "../diagnostic.ts";
import { inspectPolicies, type PolicyInput } from "../load-policies.ts";
import { checkConditions } from "./check-conditions.ts";
import { checkExceptions } from "./check-exceptions.ts";
import { checkIdentities } from "./check-identities.ts";
import { checkImages } from "./check-images.ts";
import { checkKyverno } from "./check-kyverno.ts";
import { checkPolicy } from "./check-policy.ts";
import { checkRule } from "./check-rule.ts";
import { checkTrust } from "./check-trust.ts";
import type { LintFinding } from "./finding.ts";
import type { Linting } from "./report-finding.ts";

export interface LintReport {
  /** In the order of files and lines. */
  readonly findings: readonly LintFinding[];
  /** What could not be read: documents with an error are not linted. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Finds what is risky, means something else than it seems, or would be read otherwise by Kyverno. All policies and
 * exceptions that belong together should be given together. Never throws on foreign text.
 */
export function lintPolicies(input: PolicyInput): LintReport {
  const { policies, exceptions, diagnostics } = inspectPolicies(input);
  const linting: Linting = { policies, exceptions, findings: [] };
  for (const policy of policies) {
    checkPolicy(linting, policy);
    for (const rule of policy.rules) {
      // Generated rules say what the written one says.
      if (rule.autogenOf !== undefined) continue;
      const at = { policy, rule, path: rule.path };
      checkRule(linting, at);
      checkImages(linting, at);
      checkIdentities(linting, at);
      checkTrust(linting, at);
      checkConditions(linting, at);
      checkKyverno(linting, at);
    }
  }
  checkExceptions(linting);
  const order = ({ source }: LintFinding): readonly [number, number] => [source.line, source.column];
  const findings = linting.findings.sort((a, b) => {
    const [lineA, columnA] = order(a);
    const [lineB, columnB] = order(b);
    return a.source.file.localeCompare(b.source.file) || lineA - lineB || columnA - columnB;
  });
  return { findings, diagnostics };
}
