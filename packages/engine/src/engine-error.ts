import type { SourcePosition } from "@assay/policy";

/**
 * Why the engine refuses to work: `invalidPolicy` (at creation: a policy that cannot be evaluated is never skipped),
 * `invalidRequest` (what was handed in is no Kubernetes object), `invalidRecord` (a record file that is not one),
 * `misuse` (options that contradict each other).
 */
export type EngineErrorCode = "invalidPolicy" | "invalidRequest" | "invalidRecord" | "misuse";

interface EngineErrorDetails {
  readonly source?: SourcePosition;
  readonly path?: string;
  readonly cause?: unknown;
  readonly problems?: readonly EngineError[];
}

/** Thrown for bad input at load and for misuse; what an evaluation comes to is a `Verdict`, never an error. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  /** Where in the policy file, for `invalidPolicy`. */
  readonly source?: SourcePosition;
  /** Field path inside the policy, for `invalidPolicy`. */
  readonly path?: string;
  /** Everything that is wrong with the policies, each with its place; this alone, or first of several. */
  readonly problems: readonly EngineError[];

  constructor(code: EngineErrorCode, message: string, details: EngineErrorDetails = {}) {
    super(
      details.source === undefined ? message : `${formatPosition(details.source)}: ${message}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    if (details.source !== undefined) this.source = details.source;
    if (details.path !== undefined) this.path = details.path;
    this.problems = details.problems ?? [this];
  }
}

/** `file:line:column`, as editors and terminals understand it. */
export function formatPosition(source: SourcePosition): string {
  return `${source.file}:${source.line}:${source.column}`;
}
