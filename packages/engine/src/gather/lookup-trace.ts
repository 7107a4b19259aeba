import type { Code, Fact, Trace } from "@assay/policy";
import type { Answer, Lookup, LookupFailure } from "./lookup.ts";

/**
 * The step of a lookup that failed, or that has something to tell: whom it asked, what came back, which mirrors and
 * credentials were tried.
 */
export function lookupTrace(lookup: Lookup, answer: Answer): Trace {
  const { notes } = answer;
  const facts: Record<string, Fact> = {
    lookup: lookup.kind,
    ...(answer.ok ? {} : { origin: answer.failure.origin }),
    ...(answer.ok || answer.failure.status === undefined ? {} : { status: answer.failure.status }),
    ...(notes !== undefined && hasNotes(answer) ? { notes } : {}),
  };
  const step = { step: "lookup", path: "", facts, children: [] } as const;
  return answer.ok
    ? { ...step, outcome: "pass", code: "ok", message: "answered" }
    : { ...step, outcome: "error", code: codeOfFailure(answer.failure), message: answer.failure.message };
}

/** Which credential source or mirror answered. Where a source has nothing to tell of a success, there is no step for it. */
export function hasNotes({ notes }: Answer): boolean {
  return notes !== undefined && notes.length > 0;
}

/** The trace code of a lookup that failed. */
export function codeOfFailure(failure: LookupFailure): Code {
  switch (failure.code) {
    case "notFound":
      return "imageNotFound";
    case "unsupported":
      return "unavailable";
    default:
      return failure.code;
  }
}
