import { wildcardMatch } from "@assay/image";
import type {
  AttestationRule,
  Attestor,
  AttestorSet,
  ImageVerification,
  Place,
  Policy,
  PolicyException,
  Rule,
} from "@assay/policy";
import { type KernelMemory, type PreparedSets, prepareAttestors, VerifyError } from "@assay/verify";
import { EngineError } from "../engine-error.ts";
import type { PositionAt } from "./condition-positions.ts";
import { policyProblems } from "./policy-problems.ts";
import { repositoriesProblem, repositoryProblem } from "./repository.ts";
import { isStatic } from "./static-attestors.ts";

/** Attestors that were checked whole at load, or that need variables or keys first. */
export type CompiledSets =
  | { readonly kind: "prepared"; readonly sets: PreparedSets; readonly model: readonly AttestorSet[] }
  | { readonly kind: "variable"; readonly model: readonly AttestorSet[] };

/** One attestation of an entry. */
export interface CompiledAttestation {
  readonly rule: AttestationRule;
  readonly attestors: CompiledSets;
}

/** One `verifyImages` entry. */
export interface CompiledEntry {
  readonly entry: ImageVerification;
  /** Undefined where the entry asks for no signature. */
  readonly attestors?: CompiledSets;
  readonly attestations: readonly CompiledAttestation[];
}

/** One rule with `verifyImages`. */
export interface CompiledRule {
  readonly policy: Policy;
  readonly rule: Rule;
  readonly entries: readonly CompiledEntry[];
  /** Exceptions that name this policy and rule. */
  readonly exceptions: readonly PolicyException[];
  readonly positionAt: PositionAt;
}

/** What a rule is compiled with. */
export interface CompileOptions {
  readonly exceptions: readonly PolicyException[];
  readonly positionAt: PositionAt;
  readonly kernel: KernelMemory;
}

/**
 * Prepares every attestor that can be prepared without a request. A bad PEM, regexp or count throws `EngineError`
 * `invalidPolicy` with its position, or those of all of them: a policy that cannot be evaluated is refused at load, never
 * skipped.
 */
export function compileRule(policy: Policy, rule: Rule, options: CompileOptions): CompiledRule {
  const problems = policyProblems();
  const entries = rule.verifyImages.flatMap(
    (entry) => problems.attempt(() => compileEntry(entry, options.kernel)) ?? [],
  );
  problems.throwNoted();
  return {
    policy,
    rule,
    entries,
    positionAt: options.positionAt,
    exceptions: options.exceptions.filter((exception) => names(exception, policy, rule)),
  };
}

/** Kyverno names a Policy `namespace/name`; autogen rules have names of their own, which the exception must cover. */
function names(exception: PolicyException, policy: Policy, rule: Rule): boolean {
  const name = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`;
  return exception.exceptions.some(
    ({ policyName, ruleNames }) =>
      policyName === name && ruleNames.some((pattern) => wildcardMatch(pattern, rule.name)),
  );
}

function compileEntry(entry: ImageVerification, kernel: KernelMemory): CompiledEntry {
  const problems = policyProblems();
  problems.attempt(() => checkRepository(entry));
  const attestors =
    entry.attestors.length === 0 ? undefined : problems.attempt(() => compileSets(entry.attestors, kernel));
  const attestations = entry.attestations.flatMap(
    (rule) => problems.attempt(() => compileAttestation(rule, kernel)) ?? [],
  );
  problems.throwNoted();
  return { entry, ...(attestors === undefined ? {} : { attestors }), attestations };
}

function checkRepository({ repository, path, source }: ImageVerification): void {
  const problem =
    repository === undefined || repository.includes("{{") ? undefined : repositoryProblem(repository);
  if (problem === undefined) return;
  throw new EngineError("invalidPolicy", problem, { source, path: `${path}.repository` });
}

function compileAttestation(rule: AttestationRule, kernel: KernelMemory): CompiledAttestation {
  const attestors = compileSets(attestationSets(rule), kernel);
  const problem = attestors.kind === "prepared" ? latestProblem(rule, attestors.sets) : undefined;
  if (problem !== undefined) {
    throw new EngineError("invalidPolicy", problem, { source: rule.source, path: rule.path });
  }
  return { rule, attestors };
}

/** `latest` is by verified time: what a statement claims about its own age is no such time. */
export function latestProblem(rule: AttestationRule, sets: PreparedSets): string | undefined {
  const [path] = sets.timeless;
  if (rule.quantifier !== "latest" || path === undefined) return undefined;
  return `\`quantifier: latest\` needs a verified time, and \`${path}\` has neither a transparency log nor a timestamp authority`;
}

/**
 * Attestors that an attestation has from its image verification prove who signed; the annotations they ask for are
 * those of image signatures, which statements do not carry.
 */
function attestationSets(rule: AttestationRule): readonly AttestorSet[] {
  return rule.inheritsAttestors ? rule.attestors.map(withoutAnnotations) : rule.attestors;
}

function withoutAnnotations(set: AttestorSet): AttestorSet {
  return {
    ...set,
    entries: set.entries.map((entry) =>
      entry.kind === "set" ? withoutAnnotations(entry) : { ...entry, annotations: {} },
    ),
  };
}

function compileSets(model: readonly AttestorSet[], kernel: KernelMemory): CompiledSets {
  if (!isStatic(model)) return { kind: "variable", model };
  try {
    return { kind: "prepared", sets: prepareStatic(model, kernel), model };
  } catch (cause) {
    const problems = policyProblems();
    for (const set of model) problems.attempt(() => findProblem(set, kernel));
    problems.throwNoted();
    throw invalidPolicy(cause, model);
  }
}

function prepareStatic(model: readonly AttestorSet[], kernel: KernelMemory): PreparedSets {
  const sets = prepareAttestors(model, kernel);
  const problem = repositoriesProblem(sets);
  if (problem !== undefined) throw new TypeError(problem);
  return sets;
}

/** The kernel stops at the first attestor that is none: here each is looked at by itself, then the set that holds them. */
function findProblem(set: AttestorSet, kernel: KernelMemory): void {
  const problems = policyProblems();
  for (const entry of set.entries) {
    const alone = { ...set, count: 1, entries: [entry] };
    problems.attempt(() => (entry.kind === "set" ? findProblem(entry, kernel) : tryOut(alone, kernel)));
  }
  problems.throwNoted();
  tryOut(set, kernel);
}

function tryOut(set: AttestorSet, kernel: KernelMemory): void {
  try {
    prepareStatic([set], kernel);
  } catch (cause) {
    throw invalidPolicy(cause, [set]);
  }
}

function invalidPolicy(cause: unknown, model: readonly AttestorSet[]): EngineError {
  const path = cause instanceof VerifyError ? cause.path : undefined;
  const place = (path === undefined ? undefined : placeAt(path, model)) ?? model[0];
  const message = cause instanceof Error ? cause.message : String(cause);
  return new EngineError("invalidPolicy", message, {
    cause,
    ...(place === undefined ? {} : { source: place.source, path: path ?? place.path }),
  });
}

/** The deepest attestor that a field path lies in. */
function placeAt(path: string, attestors: readonly Attestor[]): Place | undefined {
  const holder = attestors.find((attestor) => path.startsWith(attestor.path));
  if (holder?.kind !== "set") return holder;
  return placeAt(path, holder.entries) ?? holder;
}
