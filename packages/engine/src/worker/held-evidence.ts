import { type EvidenceItem, evidenceIn, sizeOf, withEvidence } from "../gather/answer-evidence.ts";
import type { Answers } from "../gather/gather.ts";
import type { JudgeJob, ShippedAnswer } from "./judge-job.ts";

/** Which large evidence a worker holds, so that what a source keeps is sent to it once, and read and proven there once. */
export interface HeldEvidence {
  /** The next large piece that the worker does not hold and that is not among the `copied` ones. */
  missing(answers: Answers, copied: ReadonlyMap<EvidenceItem, unknown>): EvidenceItem | undefined;
  ship(answers: Answers): Pick<JudgeJob, "answers" | "hold" | "forget">;
}

/** Smaller pieces are sent every time. */
const largeBytes = 4 * 1024;

/**
 * Keeps the books about what one worker holds, at most `maxBytes` of it; the oldest is forgotten first. Evidence is known
 * by the object: sources that keep it hand out the very same.
 */
export function heldEvidence(maxBytes: number): HeldEvidence {
  const ids = new WeakMap<EvidenceItem, number>();
  const held = new Map<number, number>();
  let total = 0;
  let next = 0;
  const heldAs = (item: EvidenceItem): number | undefined => {
    const known = ids.get(item);
    return known !== undefined && held.has(known) ? known : undefined;
  };
  const holdAnew = (item: EvidenceItem): number => {
    const id = next++;
    ids.set(item, id);
    held.set(id, sizeOf(item));
    total += sizeOf(item);
    return id;
  };
  const forgetOldest = (used: ReadonlySet<number>): readonly number[] => {
    const forgotten: number[] = [];
    for (const [id, bytes] of held) {
      if (total <= maxBytes) break;
      if (used.has(id)) continue;
      held.delete(id);
      total -= bytes;
      forgotten.push(id);
    }
    return forgotten;
  };
  return {
    missing(answers, copied) {
      for (const { answer } of answers.values()) {
        for (const item of evidenceIn(answer)) {
          if (sizeOf(item) >= largeBytes && heldAs(item) === undefined && !copied.has(item)) return item;
        }
      }
      return undefined;
    },
    ship(answers) {
      const hold: (readonly [number, EvidenceItem])[] = [];
      const used = new Set<number>();
      const ship = (item: EvidenceItem): EvidenceItem | number => {
        if (sizeOf(item) < largeBytes) return item;
        const known = heldAs(item);
        const id = known ?? holdAnew(item);
        if (known === undefined) hold.push([id, item]);
        used.add(id);
        return id;
      };
      const shipped = [...answers].map(([key, { lookup, answer }]): ShippedAnswer => {
        const evidence = evidenceIn(answer).map(ship);
        return { key, answered: { lookup, answer: withEvidence(answer, []) }, evidence };
      });
      return { answers: shipped, hold, forget: forgetOldest(used) };
    },
  };
}
