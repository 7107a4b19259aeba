import type { AttestationRule, Trace } from "@assay/policy";
import { type VerifiedAttestation, verifyAttestations } from "@assay/verify";
import { PendingLookup, UnavailableContext } from "../gather/answer-book.ts";
import { type CompiledAttestation, latestProblem } from "../plan/compile.ts";
import { checkConditions } from "./check-conditions.ts";
import { conditionsTrace } from "./conditions-trace.ts";
import type { EntryQuestion } from "./entry-question.ts";
import { withIdentityHints } from "./identity-hints.ts";
import { judgeEvidence } from "./judge-evidence.ts";
import { kernelQuestion } from "./kernel-question.ts";
import type { Pass } from "./pass.ts";
import { prepareSets } from "./prepare-sets.ts";
import { fillDemand } from "./resolve-attestors.ts";
import { hasFields, statementScope } from "./statement-scope.ts";
import { allOpen, errorTrace, expressionError, type StepJudgement } from "./step-judgement.ts";

/** Verified statements by the name that the policy gives their attestation, for `validate.deny`. */
export type NamedStatements = Map<string, readonly VerifiedAttestation[]>;

/**
 * One attestation rule: statements of its type by its attestors, all of which (or as its quantifier says) must satisfy
 * its conditions. Conditions are evaluated anew every time, on verified statements only.
 */
export function judgeAttestation(
  compiled: CompiledAttestation,
  question: EntryQuestion,
  at: {
    readonly pass: Pass;
    readonly named: NamedStatements;
    /** Whether `Ignore` lets the image in because its signatures could not be had. */
    readonly untold: boolean;
  },
): StepJudgement {
  const attestation = withType(compiled, question);
  if ("trace" in attestation) return attestation;
  const { rule } = attestation;
  const { pass } = at;
  const prepared = prepareSets(attestation.attestors, rule, { scope: question.scope, pass });
  if ("trace" in prepared) return prepared;
  const problem = latestProblem(rule, prepared.sets);
  if (problem !== undefined) {
    return { trace: errorTrace({ ...rule, step: "attestation" }, "invalidPolicy", problem), opens: false };
  }
  // What a condition could not have is noted here: the kernel only sees the outcome of its statement.
  const interruptions: { pending?: PendingLookup; opens: boolean[] } = { opens: [] };
  const checkStatement = (statement: VerifiedAttestation): Trace => {
    try {
      return conditionsOf(attestation, statement, question);
    } catch (error) {
      const place = { ...rule, step: "conditions" } as const;
      if (error instanceof PendingLookup) {
        interruptions.pending = error;
        return errorTrace(place, "contextUnavailable", error.what);
      }
      if (!(error instanceof UnavailableContext)) throw error;
      interruptions.opens.push(error.opens);
      return errorTrace(place, "contextUnavailable", error.message);
    }
  };
  const { judgement, failures } = judgeEvidence(
    kernelQuestion(question, "attestations", prepared.sets),
    pass,
    (input) => verifyAttestations(rule, prepared.sets, checkStatement, input),
  );
  if (interruptions.pending !== undefined) throw interruptions.pending;
  if (rule.name !== undefined) {
    // Two attestations of one name: no statement of either may be denied.
    at.named.set(rule.name, [...(at.named.get(rule.name) ?? []), ...judgement.verified]);
  }
  const causes = [...prepared.failures, ...failures];
  const isInterrupted = causes.length + interruptions.opens.length > 0;
  const mayOpen = (causes.length === 0 || allOpen(causes)) && interruptions.opens.every(Boolean);
  // Kyverno takes what of attestations cannot be had for a failure, which `Ignore` does not let in.
  const opens = at.untold && isInterrupted && mayOpen;
  return { trace: withIdentityHints(judgement.trace), opens };
}

/** The attestation with the variables of its type filled in. */
function withType(
  attestation: CompiledAttestation,
  { scope }: EntryQuestion,
): CompiledAttestation | StepJudgement {
  const { rule } = attestation;
  try {
    const type = fillDemand(rule.type, scope.scopeFor);
    return type === rule.type ? attestation : { ...attestation, rule: { ...rule, type } };
  } catch (error) {
    const { source, path } = rule;
    const where = { source, path: `${path}.type`, step: "attestation" } as const;
    return expressionError(error, { ...where, prefix: "failed to substitute variables" });
  }
}

function conditionsOf(
  { rule }: CompiledAttestation,
  statement: VerifiedAttestation,
  question: EntryQuestion,
): Trace {
  const { conditions } = rule;
  if (conditions === undefined) {
    return {
      step: "conditions",
      path: rule.path,
      source: rule.source,
      outcome: "pass",
      code: "ok",
      message: "no conditions: the statement's presence suffices",
      children: [],
    };
  }
  if (!hasFields(statement)) return withoutFields(rule, statement);
  const { name } = rule;
  const scope = statementScope(question.scope.scopeFor(conditions), statement, { question, name });
  const result = checkConditions(conditions, scope, { kind: "attestation" });
  return conditionsTrace(result, {
    path: `${rule.path}.conditions`,
    source: rule.source,
    positionAt: question.positionAt,
    about: statement,
  });
}

function withoutFields(rule: AttestationRule, { predicate }: VerifiedAttestation): Trace {
  const what = predicate === null ? "null" : Array.isArray(predicate) ? "a list" : `a ${typeof predicate}`;
  return {
    step: "conditions",
    path: `${rule.path}.conditions`,
    source: rule.source,
    outcome: "fail",
    code: "conditionUnresolved",
    // Kyverno's words.
    message: `failed to extract predicate from statement: the predicate is ${what}, conditions need an object`,
    facts: {
      hint: "`cosign attest --type spdx` signs the file as one string; `--type spdxjson` keeps its fields",
    },
    children: [],
  };
}
