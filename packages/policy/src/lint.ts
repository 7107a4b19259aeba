export { type LintId, type LintRule, lintCatalog } from "./lint/catalog.ts";
export { applyFixes, type LintFinding, type LintSeverity, type TextEdit } from "./lint/finding.ts";
export { type LintReport, lintPolicies } from "./lint/lint-policies.ts";
