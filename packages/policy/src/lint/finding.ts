import type { SourcePosition } from "../yaml/source-position.ts";
import type { LintId, LintSeverity } from "./catalog.ts";

/** One thing that a policy should not say, or that means something else than it seems to. */
export interface LintFinding {
  /** Stable; documented in `docs/lint/<id>.md`. */
  readonly id: LintId;
  readonly severity: LintSeverity;
  /** What stands there. */
  readonly message: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do. */
  readonly fix: string;
  readonly source: SourcePosition;
  /** Field path in the policy. */
  readonly path: string;
  /** Name of the policy or exception. */
  readonly policy: string;
  readonly rule?: string;
  /** Text edits that do it, where that is mechanical. All of them or none. */
  readonly edits?: readonly TextEdit[];
}

/** Replaces the text between two offsets of a file. */
export interface TextEdit {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text of one file with edits made. Of edits that overlap only the first is made: lint again for the others.
 */
export function applyFixes(text: string, edits: readonly TextEdit[]): string {
  const ordered = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  let result = "";
  let done = 0;
  for (const edit of ordered) {
    if (edit.start < done) continue;
    result += text.slice(done, edit.start) + edit.text;
    done = edit.end;
  }
  return result + text.slice(done);
}
