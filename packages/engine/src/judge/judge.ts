import type { Policy, Trace } from "@assay/policy";
import type { Lookup } from "../gather/lookup.ts";
import type { ObjectFacts } from "../plan/object-facts.ts";
import { type PlannedRule, type RequestPlan, type UnmatchedRule, verifies } from "../plan/request-plan.ts";
import { worst } from "../verdict/reason.ts";
import type { JsonPatch, Verdict } from "../verdict/verdict.ts";
import { blocks, type Ruling } from "./blocking.ts";
import { type AccessOf, accessByImage } from "./image-access.ts";
import { judgeRule, type RuleJudgement } from "./judge-rule.ts";
import type { Pass } from "./pass.ts";
import { attempt, settle } from "./settle.ts";

/** What a pass comes to: a verdict, or the questions that must be answered first. */
export type Judgement =
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  | {
      readonly kind: "wanted";
      readonly wanted: ReadonlyMap<string, Lookup>;
      readonly ifUnsupported: ReadonlyMap<string, Lookup>;
      readonly announced: readonly Lookup[];
    };

/**
 * Judges one request with what is known so far. Synchronous and total: foreign bytes never throw. Equal plans, answers
 * and clocks give equal verdicts.
 * INVARIANT: a verdict is about every rule that applies. A pass that waits for something which it did not ask for is a bug
 * of ours and throws: nobody would ever answer, and rules that were not judged must not look like rules without objection.
 */
export function judge(plan: RequestPlan, pass: Pass): Judgement {
  const { secretNamespace } = pass.settings;
  const accessOf = accessByImage(plan, { namespace: pass.facts.namespace, secretNamespace });
  const policies = groupByPolicy(plan);
  const judged = attempt(() => settle(policies.map((group) => () => judgePolicy(group, accessOf, pass))));
  const { wanted, ifUnsupported, announced } = pass.book;
  if (wanted.size > 0) return { kind: "wanted", wanted, ifUnsupported, announced };
  if (judged.kind === "pending") throw new Error(`bug: waits for ${judged.error.what} without asking for it`);
  return { kind: "verdict", verdict: verdictOf(judged.value, pass.facts, plan.warnings) };
}

interface PolicyGroup {
  readonly policy: Policy;
  readonly rules: readonly PlannedRule[];
  readonly unmatched: readonly UnmatchedRule[];
}

interface PolicyJudgement {
  readonly policy: Policy;
  readonly trace: Trace;
  readonly rules: readonly RuleJudgement[];
}

function groupByPolicy(plan: RequestPlan): readonly PolicyGroup[] {
  const groups = new Map<Policy, { rules: PlannedRule[]; unmatched: UnmatchedRule[] }>();
  const groupOf = (policy: Policy) => {
    const group = groups.get(policy) ?? { rules: [], unmatched: [] };
    groups.set(policy, group);
    return group;
  };
  for (const rule of plan.rules) groupOf(rule.compiled.policy).rules.push(rule);
  for (const rule of plan.unmatched) groupOf(rule.compiled.policy).unmatched.push(rule);
  return [...groups].map(([policy, group]) => ({ policy, ...group }));
}

function judgePolicy(group: PolicyGroup, accessOf: AccessOf, pass: Pass): PolicyJudgement {
  const { policy } = group;
  const rules: RuleJudgement[] = [];
  if (policy.applyRules === "One") {
    // A pending rule ends the policy's pass: what comes after it may not be wanted at all.
    for (const rule of group.rules) {
      const judged = judgeRule(rule, accessOf, pass);
      rules.push(judged);
      if (wasApplied(rule, judged)) break;
    }
  } else {
    rules.push(...settle(group.rules.map((rule) => () => judgeRule(rule, accessOf, pass))));
  }
  const outcome = worst(rules.map(({ trace }) => trace.outcome));
  const lead = rules.find(({ trace }) => trace.outcome === outcome)?.trace;
  const children = [...rules.map(({ trace }) => trace), ...group.unmatched.map(unmatchedTrace)];
  return {
    policy,
    rules,
    trace: {
      step: "policy",
      path: policy.path,
      source: policy.source,
      outcome,
      code: lead?.code ?? "notMatched",
      message: lead?.message ?? "no rule applies to this object",
      facts: { policy: policy.name, kind: policy.kind },
      children,
    },
  };
}

/**
 * What counts for `applyRules: One`: a rule that verified or pinned an image, or found that it does not hold. One that
 * had nothing to verify has not been applied, nor has one that came to an error, so that neither keeps the next one from
 * it (Kyverno counts passes and failures); nor has one that selects its images by nothing but a tag beside a digest, or
 * by their registry in another spelling: whoever names the image would choose which of two rules counts.
 */
function wasApplied({ images }: PlannedRule, { rulings, patches }: RuleJudgement): boolean {
  const written = images.filter(({ entries }) => entries.some(({ asWritten }) => asWritten));
  const verified = written.some(({ entries }) =>
    entries.some(({ compiled, skipped, asWritten }) => asWritten && !skipped && verifies(compiled)),
  );
  const pinned = patches.some(({ path }) => written.some(({ pointers }) => pointers.includes(path)));
  return rulings.some(
    ({ result: { outcome, image } }) =>
      image !== undefined && (outcome === "pass" || outcome === "fail") && (verified || pinned),
  );
}

function unmatchedTrace({ compiled: { rule }, reason }: UnmatchedRule): Trace {
  return {
    step: "rule",
    path: rule.path,
    source: rule.source,
    outcome: "skip",
    code: "notMatched",
    message: reason,
    facts: { rule: rule.name },
    children: [],
  };
}

function verdictOf(
  judged: readonly PolicyJudgement[],
  facts: ObjectFacts,
  warnings: readonly string[],
): Verdict {
  const rulings = judged.flatMap(({ rules }) => rules.flatMap((rule) => rule.rulings));
  const allowed = !rulings.some(blocks);
  const namespace = facts.namespace === "" ? {} : { namespace: facts.namespace };
  return {
    resource: { kind: facts.kind, ...namespace, name: facts.name },
    allowed,
    outcome: worst(rulings.map(({ result }) => result.outcome)),
    results: rulings.map(({ result }) => result),
    patches: allowed ? joinPatches(judged) : [],
    warnings: [...skippedRuleWarnings(judged), ...warnings, ...rulings.flatMap(warningOf)],
    trace: judged.map(({ trace }) => trace),
  };
}

/** INVARIANT: one digest per image text and request, so that equal paths have equal values. */
function joinPatches(judged: readonly PolicyJudgement[]): readonly JsonPatch[] {
  const patches = judged.flatMap(({ rules }) => rules.flatMap((rule) => rule.patches));
  const byPath = new Map(patches.map((patch) => [patch.path, patch]));
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What did not pass and yet does not block is said aloud, in Kyverno's form. */
function warningOf(ruling: Ruling): readonly string[] {
  const { result } = ruling;
  const silent = result.outcome === "pass" || (result.outcome === "skip" && result.code !== "skippedImage");
  if (silent || blocks(ruling)) return [];
  return [`policy ${result.policy}.${result.rule}: ${result.message}`];
}

/** Rules of other kinds are never evidence: who reads the verdict must not take them for checked. */
function skippedRuleWarnings(judged: readonly PolicyJudgement[]): readonly string[] {
  return judged.flatMap(({ policy, rules }) => {
    if (policy.skippedRules.length === 0 || rules.length === 0) return [];
    const names = policy.skippedRules.map((name) => `\`${name}\``).join(", ");
    return [`policy ${policy.name}: ${names} verify no images and were not evaluated`];
  });
}
