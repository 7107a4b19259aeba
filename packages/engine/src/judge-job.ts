import type { Policy, PolicyException, SourcePosition } from "@assay/policy";
import { type CompiledRule, compileRule } from "./compile.ts";
import type { EngineMemory } from "./engine-memory.ts";
import type { EngineSettings } from "./engine-settings.ts";
import { judgeOnce } from "./evaluate-request.ts";
import type { Answered } from "./gather.ts";
import type { Judgement } from "./judge.ts";
import { objectFacts } from "./object-facts.ts";
import { planRequest } from "./request-plan.ts";
import type { EvaluationRequest } from "./verdict.ts";

/** A policy as it is copied into a worker, once. */
export interface ShippedPolicy {
  readonly id: number;
  readonly policy: Policy;
  readonly exceptions: readonly PolicyException[];
  /** Positions of its conditions, which the copy does not hold. */
  readonly positions: ReadonlyMap<string, SourcePosition>;
}

/** One pass of `judge`, as data: everything that it depends on. */
export interface JudgeJob {
  readonly id: number;
  /** Policies that this worker does not have yet. */
  readonly policies: readonly ShippedPolicy[];
  /** The candidate rules, as policy and index of the rule in it. */
  readonly rules: readonly (readonly [policy: number, rule: number])[];
  readonly request: EvaluationRequest;
  readonly settings: EngineSettings;
  readonly now: Date;
  /** Every answer, or the number of one that the worker holds. */
  readonly answers: readonly (readonly [string, Answered | number])[];
  /** Large answers that the worker is to hold from now on, and those that it may forget. */
  readonly hold: readonly (readonly [number, Answered])[];
  readonly forget: readonly number[];
}

/** What a worker answers: data too. */
export type JudgeReply =
  | { readonly id: number; readonly judgement: Judgement }
  | { readonly id: number; readonly error: string };

/** Judges jobs with compiled policies of its own: what a worker runs. */
export function jobJudge(memory: EngineMemory): (job: JudgeJob) => Judgement {
  const known = new Map<number, readonly CompiledRule[]>();
  const held = new Map<number, Answered>();
  const answerOf = (answer: Answered | number): Answered => {
    const found = typeof answer === "number" ? held.get(answer) : answer;
    if (found === undefined) throw new Error("a job names an answer that is not held");
    return found;
  };
  return (job) => {
    for (const id of job.forget) held.delete(id);
    for (const [id, answered] of job.hold) held.set(id, answered);
    for (const { id, policy, exceptions, positions } of job.policies) {
      const positionAt = (path: string): SourcePosition | undefined => positions.get(path);
      known.set(
        id,
        policy.rules.map((rule) =>
          compileRule(policy, rule, { exceptions, positionAt, kernel: memory.kernel }),
        ),
      );
    }
    const rules = job.rules.flatMap(([policy, rule]) => known.get(policy)?.[rule] ?? []);
    if (rules.length !== job.rules.length) throw new Error("a job names a rule that was not shipped");
    const { settings, now } = job;
    const facts = objectFacts(job.request);
    const plan = planRequest(() => rules, facts, { defaultRegistry: settings.defaultRegistry, now });
    const answers = new Map(job.answers.map(([key, answer]) => [key, answerOf(answer)] as const));
    return judgeOnce({ facts, plan, settings, memory, now }, answers);
  };
}
