import { indexPolicies, type JsonObject, type Policy, type PolicyException, type Rule } from "@assay/policy";
import { checkOptions, timeOf } from "./check-options.ts";
import { engineMemory } from "./engine-memory.ts";
import type { EngineSettings } from "./engine-settings.ts";
import { type Case, evaluateRequest } from "./evaluate-request.ts";
import type { Evaluation, EvaluationOptions } from "./evaluation.ts";
import type { Sources } from "./gather/lookup.ts";
import { type CompiledRule, type CompileOptions, compileRule } from "./plan/compile.ts";
import { positionsOf } from "./plan/condition-positions.ts";
import { objectFacts } from "./plan/object-facts.ts";
import { type Plan, planOf } from "./plan/plan.ts";
import { policyProblems } from "./plan/policy-problems.ts";
import { planRequest, type RulesFor } from "./plan/request-plan.ts";
import type { EvaluationRequest } from "./verdict/verdict.ts";
import { awayJudge } from "./worker/judge-away.ts";

/** What one evaluation may use. Every limit is an option. */
export interface EngineLimits {
  /** Lookups under way at the same time. Default 32. */
  readonly concurrency?: number;
  /** Lookups of one evaluation; what is wanted beyond is answered with `tooMany`. Default 10,000. */
  readonly maxLookups?: number;
  /** Evidence of at least so many bytes is judged in a thread of its own. Default 256 KiB; Infinity: never. */
  readonly largeEvidenceBytes?: number;
  /** Sets of attestors with variables or fetched keys that are kept prepared. Default 1,000. */
  readonly maxPrepared?: number;
  /** Memory for facts "this digest's signatures satisfy these attestors". Default 16 MiB. */
  readonly maxFactBytes?: number;
  /**
   * How long such a fact saves asking the registry again. A signature that verified stays verified; but one that is
   * removed from the registry to revoke it counts that much longer. Default 10 minutes; 0 turns it off.
   */
  readonly factTtlMilliseconds?: number;
}

/** What an engine is made of. */
export interface EngineOptions {
  readonly policies: readonly Policy[];
  readonly exceptions?: readonly PolicyException[];
  readonly sources: Sources;
  /** The time that certificates, freshness conditions and exceptions are judged at. Read once per evaluation. */
  readonly clock: () => Date;
  /** Values for `{{ NAME }}` in policies, e.g. `{ ORG: "acme" }`. */
  readonly variables?: JsonObject;
  /** Where `{{ configmap.NAME.data.KEY }}` of a ClusterPolicy is looked up. Default `kyverno`. */
  readonly configMapNamespace?: string;
  /** Namespace of `imageRegistryCredentials.secrets` that name none. Default `kyverno`. */
  readonly secretNamespace?: string;
  /** Which trust root is loaded when a candidate needs one. Default `public-good`. */
  readonly trustRoot?: string;
  /** Which signed statements count as an image signature. Default `cosign-sign`. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  /**
   * `whenMissing`: where a signature by the policy's signer comes without the log entry that the policy wants, the log is
   * asked for it (`rekor.url`, else the trust root's logs), as Kyverno does. Default `never`.
   */
  readonly logLookup?: "never" | "whenMissing";
  /** Registry of image references that name none. Default `docker.io`. */
  readonly defaultRegistry?: string;
  readonly limits?: EngineLimits;
}

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
