import { indexPolicies, type Policy, type Rule } from "@assay/policy";
import { checkOptions, timeOf } from "./check-options.ts";
import { engineMemory } from "./engine-memory.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { EngineSettings } from "./engine-settings.ts";
import { evaluateRequest } from "./evaluate-request.ts";
import type { Evaluation, EvaluationOptions } from "./evaluation.ts";
import type { Case } from "./judge-once.ts";
import { type CompiledRule, type CompileOptions, compileRule } from "./plan/compile.ts";
import { positionsOf } from "./plan/condition-positions.ts";
import { objectFacts } from "./plan/object-facts.ts";
import { policyProblems } from "./plan/policy-problems.ts";
import { planRequest, type RulesFor } from "./plan/request-plan.ts";
import { type Plan, planOf } from "./plan.ts";
import type { EvaluationRequest } from "./verdict/verdict.ts";
import { awayJudge } from "./worker/judge-away.ts";

/** Decides by its policies. Made by `createEngine`; holds no state but verified facts, which no verdict depends on. */
export interface Engine {
  /**
   * Plans, gathers and judges. Rejects only with `EngineError` (`invalidRequest`, `misuse`), with the reason of an
   * aborted `signal`, or on a bug: everything else is in the verdict.
   */
  evaluate(request: EvaluationRequest, options?: EvaluationOptions): Promise<Evaluation>;
  /** What `evaluate` would ask, of whom, without asking anybody. */
  plan(request: EvaluationRequest): Plan;
}

/**
 * Checks every policy whole and makes an engine of them. Throws `EngineError` `invalidPolicy` (file, line, column; of
 * several `problems` each) for a key that is none, a regexp that does not compile, an identity that anybody has: a policy
 * that cannot be evaluated is refused, never skipped. And `misuse` for an option that is none.
 */
export function createEngine(options: EngineOptions): Engine {
  checkOptions(options);
  const settings = settingsOf(options);
  const exceptions = options.exceptions ?? [];
  const memory = engineMemory({
    maxPrepared: options.limits?.maxPrepared ?? 1_000,
    maxFactBytes: options.limits?.maxFactBytes ?? 16 * 1024 * 1024,
    factTtlMilliseconds: options.limits?.factTtlMilliseconds ?? 600_000,
  });
  const compiled = compileAll(options.policies, { exceptions, kernel: memory.kernel });
  const rulesFor = rulesOf(options.policies, compiled);
  const plan = (request: EvaluationRequest): Case => {
    const facts = objectFacts(request);
    const now = timeOf(options.clock);
    const { defaultRegistry } = settings;
    return { facts, plan: planRequest(rulesFor, facts, { defaultRegistry, now }), settings, memory, now };
  };
  const limits = {
    concurrency: options.limits?.concurrency ?? 32,
    maxLookups: options.limits?.maxLookups ?? 10_000,
    largeEvidenceBytes: options.limits?.largeEvidenceBytes ?? 256 * 1024,
  };
  const away = awayJudge(exceptions);
  return {
    evaluate: async (request, evaluation = {}) => {
      const started = performance.now();
      const { sources } = options;
      return evaluateRequest({ ...plan(request), started, limits, away, sources }, evaluation);
    },
    plan: (request) => planOf(plan(request)),
  };
}

function compileAll(
  policies: readonly Policy[],
  options: Omit<CompileOptions, "positionAt">,
): ReadonlyMap<Rule, CompiledRule> {
  const compiled = new Map<Rule, CompiledRule>();
  const problems = policyProblems();
  for (const policy of policies) {
    const positionAt = positionsOf(policy);
    for (const rule of policy.rules) {
      const made = problems.attempt(() => compileRule(policy, rule, { ...options, positionAt }));
      if (made !== undefined) compiled.set(rule, made);
    }
  }
  problems.throwNoted();
  return compiled;
}

/** With so few rules every one is told of, and why it does not apply; with more only those that may apply are looked at. */
const fewRules = 32;

function rulesOf(policies: readonly Policy[], compiled: ReadonlyMap<Rule, CompiledRule>): RulesFor {
  const all = [...compiled.values()];
  if (all.length <= fewRules) return () => all;
  const index = indexPolicies(policies);
  return (request, images) =>
    index.candidates(request, images).flatMap(({ rule }) => compiled.get(rule) ?? []);
}

function settingsOf(options: EngineOptions): EngineSettings {
  return {
    variables: options.variables ?? {},
    configMapNamespace: options.configMapNamespace ?? "kyverno",
    secretNamespace: options.secretNamespace ?? "kyverno",
    trustRoot: options.trustRoot ?? "public-good",
    signaturePredicateTypes: options.signaturePredicateTypes ?? "cosign-sign",
    logLookup: options.logLookup ?? "never",
    defaultRegistry: options.defaultRegistry ?? "docker.io",
  };
}
