export { type LintId, type LintRule, type LintSeverity, lintCatalog } from "./lint/catalog.ts";
export { applyFixes, type LintFinding, type TextEdit } from "./lint/finding.ts";
export { type LintReport, lintPolicies } from "./lint/lint-policies.ts";
