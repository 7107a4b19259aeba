import type { Policy, PolicyException, SourcePosition } from "@assay/policy";
import type { EngineMemory } from "../engine-memory.ts";
import type { EngineSettings } from "../engine-settings.ts";
import { type EvidenceItem, withEvidence } from "../gather/answer-evidence.ts";
import type { Answered } from "../gather/gather.ts";
import type { Judgement } from "../judge/judge.ts";
import { judgeOnce } from "../judge-once.ts";
import { type CompiledRule, compileRule } from "../plan/compile.ts";
import { objectFacts } from "../plan/object-facts.ts";
import { planRequest } from "../plan/request-plan.ts";
import type { EvaluationRequest } from "../verdict/verdict.ts";

/** A policy as it is copied into a worker, once. */
export interface ShippedPolicy {
  readonly id: number;
  readonly policy: Policy;
  readonly exceptions: readonly PolicyException[];
  /** Positions of its conditions, which the copy does not hold. */
  readonly positions: ReadonlyMap<string, SourcePosition>;
}

/** An answer, apart from its evidence: each piece of that, or the number of one that the worker holds. */
export interface ShippedAnswer {
  readonly key: string;
  readonly answered: Answered;
  readonly evidence: readonly (EvidenceItem | number)[];
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
  readonly answers: readonly ShippedAnswer[];
  /** Large evidence that the worker is to hold from now on, and what it may forget. */
  readonly hold: readonly (readonly [number, EvidenceItem])[];
  readonly forget: readonly number[];
}

/** What a worker answers: data too. */
export type JudgeReply =
  | { readonly id: number; readonly judgement: Judgement }
  | { readonly id: number; readonly error: string };

/** Judges jobs with compiled policies of its own: what a worker runs. */
export function jobJudge(memory: EngineMemory): (job: JudgeJob) => Judgement {
  const known = new Map<number, readonly CompiledRule[]>();
  const held = new Map<number, EvidenceItem>();
  const itemOf = (item: EvidenceItem | number): EvidenceItem => {
    const found = typeof item === "number" ? held.get(item) : item;
    if (found === undefined) throw new Error("a job names evidence that is not held");
    return found;
  };
  const answerOf = ({ answered: { lookup, answer }, evidence }: ShippedAnswer): Answered => ({
    lookup,
    answer: withEvidence(answer, evidence.map(itemOf)),
  });
  return (job) => {
    for (const id of job.forget) held.delete(id);
    for (const [id, item] of job.hold) held.set(id, item);
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
    const answers = new Map(job.answers.map((shipped) => [shipped.key, answerOf(shipped)] as const));
    return judgeOnce({ facts, plan, settings, memory, now }, answers);
  };
}
