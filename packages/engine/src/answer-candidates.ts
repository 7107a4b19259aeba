import type { Candidate } from "@assay/verify";
import type { Answer } from "./lookup.ts";

/** What an answer holds of what hangs on an image: all of it, or, where it failed, what was found before. */
export function candidatesOf(answer: Answer): readonly Candidate[] {
  if (!answer.ok) return answer.found ?? [];
  return "candidates" in answer.value ? answer.value.candidates : [];
}

/** The same answer with other candidates in the place of its own. */
export function withCandidates(answer: Answer, candidates: readonly Candidate[]): Answer {
  if (!answer.ok) return answer.found === undefined ? answer : { ...answer, found: candidates };
  return "candidates" in answer.value ? { ...answer, value: { ...answer.value, candidates } } : answer;
}
