import { ConditionError, type Scope, substitute } from "@assay/conditions";
import type { ImageVerification, Trace } from "@assay/policy";
import type { VerifiedAttestation } from "@assay/verify";
import { checkConditions } from "./check-conditions.ts";
import { conditionsTrace, cut } from "./conditions-trace.ts";
import type { EntryQuestion } from "./entry-question.ts";
import type { NamedStatements } from "./judge-attestation.ts";
import { imageScope } from "./statement-scope.ts";
import { expressionError, type StepJudgement } from "./step-judgement.ts";

type Validation = NonNullable<ImageVerification["validate"]>;

/** Most combinations of statements that one `deny` is evaluated for. */
const maxCombinations = 256;

/**
 * `validate.deny` across named attestations. Kyverno takes the first statement of each name; here every combination
 * must be free of denial, so that adding or reordering statements never turns a denial into a pass.
 */
export function judgeDeny(
  validate: Validation,
  named: NamedStatements,
  question: EntryQuestion,
): StepJudgement {
  const where = {
    path: `${validate.path}.deny`,
    source: validate.source,
    step: "deny",
    prefix: "failed to evaluate deny conditions",
  } as const;
  const combinations = combine([...named]);
  if (combinations === undefined) {
    const message = `more than ${maxCombinations} combinations of named attestations`;
    return { trace: { ...leaf(where), outcome: "fail", code: "tooMany", message }, opens: false };
  }
  const children: Trace[] = [];
  for (const combination of combinations) {
    try {
      const trace = denied(validate, combination, question);
      if (trace.outcome !== "pass")
        return { trace: { ...trace, children: [...children, ...trace.children] }, opens: false };
      children.push(...trace.children);
    } catch (error) {
      return expressionError(error, where);
    }
  }
  return {
    trace: { ...leaf(where), outcome: "pass", code: "ok", message: "no deny condition holds", children },
    opens: false,
  };
}

type Combination = ReadonlyMap<string, VerifiedAttestation>;

function combine(
  named: readonly (readonly [string, readonly VerifiedAttestation[]])[],
): Combination[] | undefined {
  let combinations: Combination[] = [new Map()];
  for (const [name, statements] of named) {
    if (statements.length === 0) continue;
    if (combinations.length * statements.length > maxCombinations) return undefined;
    combinations = combinations.flatMap((one) =>
      statements.map((statement) => new Map([...one, [name, statement]])),
    );
  }
  return combinations;
}

function denied(validate: Validation, combination: Combination, question: EntryQuestion): Trace {
  const conditions = validate.deny ?? null;
  const names = Object.fromEntries([...combination].map(([name, { predicate }]) => [name, predicate]));
  const scope = imageScope(question.scope.scopeFor(conditions), question).child({ data: names });
  const result = checkConditions(conditions, scope, { kind: "preconditions" });
  const conditionTrace = conditionsTrace(result, {
    path: `${validate.path}.deny.conditions`,
    source: validate.source,
    positionAt: question.positionAt,
  });
  if (result.outcome === "error") {
    const message = `failed to evaluate deny conditions: ${cut(result.message)}`;
    return {
      ...leaf(validate),
      outcome: "fail",
      code: "conditionUnresolved",
      message,
      children: [conditionTrace],
    };
  }
  if (!result.holds)
    return { ...leaf(validate), outcome: "pass", code: "ok", message: "", children: [conditionTrace] };
  const message = [validate.message ?? "", result.message]
    .filter((text) => text !== "")
    .map((text) => cut(filled(text, scope)))
    .join("; ");
  return {
    ...leaf(validate),
    outcome: "fail",
    code: "denied",
    message: `validation in verifyImages failed: ${message === "" ? "the deny conditions hold" : message}`,
    children: [conditionTrace],
  };
}

function leaf(where: { readonly path: string; readonly source: Trace["source"] }) {
  return {
    step: "deny" as const,
    path: where.path,
    ...(where.source === undefined ? {} : { source: where.source }),
    children: [] as readonly Trace[],
  };
}

/** Messages are templates of the policy's; one that cannot be filled in is told as it stands. */
function filled(message: string, scope: Scope): string {
  try {
    const text = substitute(message, scope);
    return typeof text === "string" ? text : JSON.stringify(text);
  } catch (error) {
    if (error instanceof ConditionError) return message;
    throw error;
  }
}
