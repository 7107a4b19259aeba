import type { Code, Fact, Trace } from "@assay/policy";
import type { Answer, Lookup, LookupFailure } from "./lookup.ts";

/** The step of a lookup that failed: whom it asked, what came back, and which mirrors and credentials were tried. */
export function lookupTrace(lookup: Lookup, answer: Extract<Answer, { ok: false }>): Trace {
  const { failure, notes } = answer;
  const facts: Record<string, Fact> = { lookup: lookup.kind, origin: failure.origin };
  if (failure.status !== undefined) facts["status"] = failure.status;
  if (notes !== undefined && notes.length > 0) facts["notes"] = notes;
  return {
    step: "lookup",
    path: "",
    outcome: "error",
    code: codeOfFailure(failure),
    message: failure.message,
    facts,
    children: [],
  };
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
