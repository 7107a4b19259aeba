import type { EngineMemory } from "./engine-memory.ts";
import type { EngineSettings } from "./engine-settings.ts";
import { answerBook } from "./gather/answer-book.ts";
import type { Answers } from "./gather/gather.ts";
import type { Answer } from "./gather/lookup.ts";
import type { Facts } from "./judge/fact-memory.ts";
import { type Judgement, judge } from "./judge/judge.ts";
import type { TrustState } from "./judge/pass.ts";
import { builtInVariables, type ObjectFacts } from "./plan/object-facts.ts";
import type { RequestPlan } from "./plan/request-plan.ts";

/** A planned request and what it is judged with. */
export interface Case {
  readonly facts: ObjectFacts;
  readonly plan: RequestPlan;
  readonly settings: EngineSettings;
  readonly memory: EngineMemory;
  readonly now: Date;
}

/** One pass over what is known. */
export function judgeOnce(one: Case, answers: Answers, remembered?: Facts): Judgement {
  const book = answerBook(answers);
  return judge(one.plan, {
    settings: one.settings,
    facts: one.facts,
    builtIns: builtInVariables(one.facts),
    book,
    now: one.now,
    trust: trustState(one, book.peek({ kind: "trustRoot", name: one.settings.trustRoot })),
    prepare: one.memory.prepare,
    ...(remembered === undefined ? {} : { remembered }),
  });
}

function trustState(one: Case, answer: Answer<"trustRoot"> | undefined): TrustState {
  if (answer === undefined) return { kind: "unasked" };
  if (!answer.ok) return { kind: "unavailable", failure: answer.failure };
  try {
    return { kind: "loaded", root: one.memory.trustRoot(answer.value.json) };
  } catch (error) {
    const message = `the trust root cannot be used: ${error instanceof Error ? error.message : String(error)}`;
    return {
      kind: "unavailable",
      failure: { code: "malformed", message, origin: `trust root ${one.settings.trustRoot}` },
    };
  }
}
