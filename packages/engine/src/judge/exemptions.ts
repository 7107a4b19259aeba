import { exceptsImage, matchException, type PolicyException, type Trace } from "@assay/policy";
import { UnavailableContext } from "../gather/answer-book.ts";
import type { PlannedImage, PlannedRule } from "../plan/request-plan.ts";
import { checkConditions } from "./check-conditions.ts";
import type { ImageJudgement } from "./judge-image.ts";
import type { Pass } from "./pass.ts";
import type { RuleScope } from "./rule-scope.ts";

/** What exceptions take out of a rule. */
export interface Exemptions {
  /** Set where the whole rule is excepted. */
  readonly rule?: Trace;
  /** The result of an image that is excepted by its reference. */
  image(image: PlannedImage): ImageJudgement | undefined;
}

/**
 * The exceptions that hold for this object now: those that match, have not expired, and whose conditions are true. What
 * cannot be told about an exception's condition is no exception. Throws `PendingLookup`.
 */
export function exemptions(planned: PlannedRule, scope: RuleScope, pass: Pass): Exemptions {
  const holding = planned.compiled.exceptions.filter((exception) =>
    holds(exception, planned, { scope, pass }),
  );
  const whole = holding.find(({ imageReferences }) => imageReferences === undefined);
  return {
    ...(whole === undefined ? {} : { rule: exceptedTrace(whole) }),
    image({ reference }) {
      const found = holding.find((exception) => exceptsImage(exception, reference));
      if (found === undefined) return undefined;
      const trace = exceptedTrace(found);
      return { trace, code: trace.code, message: trace.message, opens: false, patches: [] };
    },
  };
}

function holds(
  exception: PolicyException,
  { compiled: { policy, rule } }: PlannedRule,
  { scope, pass }: { readonly scope: RuleScope; readonly pass: Pass },
): boolean {
  const request = { ...pass.facts.request, resource: pass.facts.object };
  if (!matchException(exception, { policy, rule: rule.name, now: pass.now }, request).matched) return false;
  if (exception.conditions === undefined) return true;
  try {
    return checkConditions(exception.conditions, scope.scopeFor(exception.conditions), {
      kind: "preconditions",
    }).holds;
  } catch (error) {
    if (error instanceof UnavailableContext) return false;
    throw error;
  }
}

function exceptedTrace(exception: PolicyException): Trace {
  const name =
    exception.namespace === undefined ? exception.name : `${exception.namespace}/${exception.name}`;
  return {
    step: "check",
    path: exception.path,
    source: exception.source,
    outcome: "skip",
    code: "excepted",
    // Kyverno's words.
    message: `rule is skipped due to policy exception ${name}`,
    facts: { exception: name, ...(exception.expires === undefined ? {} : { expires: exception.expires }) },
    children: [],
  };
}
