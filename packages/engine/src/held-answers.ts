import { candidatesOf } from "./answer-candidates.ts";
import type { Answered, Answers } from "./gather.ts";
import type { JudgeJob } from "./judge-job.ts";
import type { Answer } from "./lookup.ts";

/** Which large answers a worker holds, so that evidence that a source keeps is sent to it once. */
export interface HeldAnswers {
  /** The next large answer that the worker does not hold and that is not among the `copied` ones. */
  missing(answers: Answers, copied: ReadonlyMap<Answer, unknown>): Answer | undefined;
  ship(answers: Answers): Pick<JudgeJob, "answers" | "hold" | "forget">;
}

/** Smaller ones are sent every time. */
const largeBytes = 4 * 1024;

/** Keeps the books about what one worker holds, at most `maxBytes` of evidence; the oldest is forgotten first. */
export function heldAnswers(maxBytes: number): HeldAnswers {
  const ids = new WeakMap<Answer, number>();
  const held = new Map<number, number>();
  let total = 0;
  let next = 0;
  const heldAs = (answer: Answer): number | undefined => {
    const known = ids.get(answer);
    return known !== undefined && held.has(known) ? known : undefined;
  };
  return {
    missing(answers, copied) {
      for (const { answer } of answers.values()) {
        const isLarge = candidateBytes(answer) >= largeBytes;
        if (isLarge && heldAs(answer) === undefined && !copied.has(answer)) return answer;
      }
      return undefined;
    },
    ship(answers) {
      const hold: (readonly [number, Answered])[] = [];
      const shipped = [...answers].map(([key, answered]) => {
        const bytes = candidateBytes(answered.answer);
        if (bytes < largeBytes) return [key, answered] as const;
        const known = heldAs(answered.answer);
        if (known !== undefined) return [key, known] as const;
        const id = next++;
        ids.set(answered.answer, id);
        held.set(id, bytes);
        total += bytes;
        hold.push([id, answered]);
        return [key, id] as const;
      });
      const used = new Set(shipped.flatMap(([, answer]) => (typeof answer === "number" ? [answer] : [])));
      const forget: number[] = [];
      for (const [id, bytes] of held) {
        if (total <= maxBytes) break;
        if (used.has(id)) continue;
        held.delete(id);
        total -= bytes;
        forget.push(id);
      }
      return { answers: shipped, hold, forget };
    },
  };
}

/** Bytes of evidence in an answer. */
export function candidateBytes(answer: Answer): number {
  if (answer.ok && "bytes" in answer.value) return answer.value.bytes.length;
  return candidatesOf(answer).reduce((sum, candidate) => {
    if (candidate.kind === "legacy") return sum + candidate.payload.length;
    return candidate.kind === "bundle" ? sum + candidate.bytes.length : sum;
  }, 0);
}
