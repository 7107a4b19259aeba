import { oneLine } from "../diagnostic.ts";
import type { Policy, PolicyException, Rule } from "../model.ts";
import { positionOf } from "../yaml/position-of.ts";
import { type LintId, lintCatalog } from "./catalog.ts";
import type { LintFinding, TextEdit } from "./finding.ts";

/** What is linted together, and what was found. */
export interface Linting {
  readonly policies: readonly Policy[];
  readonly exceptions: readonly PolicyException[];
  readonly findings: LintFinding[];
}

/** Where a finding stands. */
export interface At {
  readonly policy: Policy | PolicyException;
  readonly path: string;
  readonly rule?: Rule;
}

/** Adds a finding at its place. */
export function found(
  linting: Linting,
  id: LintId,
  at: At,
  details: { message: string; edits?: readonly TextEdit[] },
): void {
  const { severity, why, fix } = lintCatalog[id];
  linting.findings.push({
    id,
    severity,
    message: oneLine(details.message),
    why,
    fix,
    source: positionOf(at.policy, at.path) ?? at.policy.source,
    path: at.path,
    policy: at.policy.name,
    ...(at.rule === undefined ? {} : { rule: at.rule.name }),
    ...(details.edits === undefined ? {} : { edits: details.edits }),
  });
}
