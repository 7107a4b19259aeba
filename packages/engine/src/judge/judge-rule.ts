import { imageVariables } from "@assay/image";
import {
  type Code,
  type ExtractionProblem,
  type FailureAction,
  failureActionFor,
  type Json,
  type Outcome,
  type Trace,
} from "@assay/policy";
import { PendingLookup } from "../gather/answer-book.ts";
import type { PlannedRule } from "../plan/request-plan.ts";
import { imagesMessage, worst } from "../verdict/reason.ts";
import type { JsonPatch } from "../verdict/verdict.ts";
import type { Ruling } from "./blocking.ts";
import { checkConditions } from "./check-conditions.ts";
import { conditionsTrace, cut } from "./conditions-trace.ts";
import { exemptions } from "./exemptions.ts";
import { type AccessOf, securelyFirst } from "./image-access.ts";
import { type ImageJudgement, type ImageQuestion, judgeImage } from "./judge-image.ts";
import type { Pass } from "./pass.ts";
import { type RuleScope, ruleScope } from "./rule-scope.ts";
import { settle } from "./settle.ts";
import { errorTrace, expressionError, type StepJudgement } from "./step-judgement.ts";

/** What one rule comes to. */
export interface RuleJudgement {
  readonly trace: Trace;
  readonly rulings: readonly Ruling[];
  readonly patches: readonly JsonPatch[];
}

interface RuleCase {
  readonly planned: PlannedRule;
  readonly failureAction: FailureAction;
}

/**
 * One rule that matches the object. In Kyverno's order: images first (a rule that selects none does nothing, so a
 * missing ConfigMap does not matter then, and one that cannot read them fails), preconditions, exceptions, then each image.
 */
export function judgeRule(planned: PlannedRule, accessOf: AccessOf, pass: Pass): RuleJudgement {
  if (planned.images.length === 0 && planned.problems.length === 0) return noImages(planned);
  const rule: RuleCase = { planned, failureAction: actionOf(planned, pass) };
  const scope = scopeOf(planned, pass);
  const preconditions = judgePreconditions(planned, scope);
  if (preconditions !== undefined && preconditions.trace.outcome !== "pass") {
    return wholeRule(rule, preconditions);
  }
  const exempt = exemptions(planned, scope, pass);
  if (exempt.rule !== undefined) return wholeRule(rule, { trace: exempt.rule, opens: false });
  const judged = settle<ImageRuling>(
    planned.images.map((image) => () => {
      const { access, secureFirst } = accessOf(planned, image);
      const question = { rule: planned, image, scope, ...(access === undefined ? {} : { access }) };
      const asking = secureFirst ? { ...pass, book: securelyFirst(pass.book) } : pass;
      return { text: image.text, ...(exempt.image(image) ?? judgeSafely(question, asking)) };
    }),
  );
  const all = [...planned.problems.map((image) => badImage(rule, image)), ...judged];
  const children = [
    ...(preconditions === undefined ? [] : [preconditions.trace]),
    ...all.map(({ trace }) => trace),
  ];
  const outcome = worst(all.map(({ trace }) => trace.outcome));
  const lead = all.find(({ trace }) => trace.outcome === outcome);
  return {
    rulings: all.map((one) => rulingOf(rule, one)),
    patches: judged.flatMap((one) => one.patches),
    trace: ruleTrace(planned, outcome, {
      code: lead?.code ?? "ok",
      message: imagesMessage(all.map(({ trace }) => trace.outcome)),
      children,
    }),
  };
}

type ImageRuling = ImageJudgement & { readonly text?: string };

function actionOf({ compiled: { policy, rule } }: PlannedRule, { facts }: Pass): FailureAction {
  const { namespaceLabels } = facts.request;
  const labels = namespaceLabels === undefined ? {} : { namespaceLabels };
  return failureActionFor(policy, rule, { namespace: facts.namespace, ...labels });
}

function scopeOf(planned: PlannedRule, pass: Pass): RuleScope {
  const { policy, rule } = planned.compiled;
  const { settings, builtIns, now, book } = pass;
  return ruleScope({
    policy,
    rule,
    builtIns,
    images: () => imagesVariable(planned),
    variables: settings.variables,
    configMapNamespace: settings.configMapNamespace,
    defaultRegistry: settings.defaultRegistry,
    secretNamespace: settings.secretNamespace,
    now,
    book,
  });
}

/** `images.containers.NAME.registry` and so on; of containers with the same name the last one, as in Kyverno. */
function imagesVariable(planned: PlannedRule): Json {
  const groups = new Map<string, Map<string, Json>>();
  for (const image of planned.extracted) {
    const group = groups.get(image.group) ?? new Map<string, Json>();
    // Kyverno leaves empty parts out here: an image by digest has no `tag` key.
    const parts = Object.entries(imageVariables(image.reference)).filter(([, part]) => part !== "");
    groups.set(
      image.group,
      group.set(image.key, { ...Object.fromEntries(parts), jsonPointer: image.pointer }),
    );
  }
  return Object.fromEntries([...groups].map(([name, images]) => [name, Object.fromEntries(images)]));
}

function judgePreconditions(planned: PlannedRule, scope: RuleScope): StepJudgement | undefined {
  const { rule, positionAt } = planned.compiled;
  const { preconditions, source } = rule;
  if (preconditions === undefined) return undefined;
  const where = { path: `${rule.path}.preconditions`, source, positionAt };
  try {
    const result = checkConditions(preconditions, scope.scopeFor(preconditions), { kind: "preconditions" });
    const trace = { ...conditionsTrace(result, where), step: "preconditions" } as const;
    if (result.outcome === "error") {
      const message = `failed to evaluate preconditions: ${cut(result.message)}`;
      return { opens: false, trace: { ...trace, outcome: "error", code: "conditionUnresolved", message } };
    }
    if (result.holds) return { opens: false, trace };
    const message = ["preconditions not met", cut(result.message)].filter((text) => text !== "").join("; ");
    return { opens: false, trace: { ...trace, outcome: "skip", code: "preconditionsNotMet", message } };
  } catch (error) {
    return expressionError(error, {
      ...where,
      step: "preconditions",
      prefix: "failed to evaluate preconditions",
    });
  }
}

function noImages(planned: PlannedRule): RuleJudgement {
  const message = planned.isHeld
    ? "after this update no more runs than before, and all images that this rule selects were there"
    : "the object names no image that this rule selects";
  return {
    rulings: [],
    patches: [],
    trace: ruleTrace(planned, "skip", { code: "noImages", message, children: [] }),
  };
}

/**
 * The rule came to no image: one result that names none. What cannot be read fails it all the same (as in Kyverno, which
 * looks for images first, at an extractor's place): preconditions may be about the very images that are not known.
 */
function wholeRule(rule: RuleCase, { trace, opens }: StepJudgement): RuleJudgement {
  const bad = rule.planned.problems.map((problem) => badImage(rule, problem));
  const whole = { trace, opens, code: trace.code, message: trace.message };
  const all = trace.outcome === "skip" && bad.length > 0 ? bad : [whole, ...bad];
  const outcome = worst(all.map((one) => one.trace.outcome));
  const lead = all.find((one) => one.trace.outcome === outcome) ?? whole;
  const children = [trace, ...bad.map((one) => one.trace)];
  return {
    rulings: all.map((one) => rulingOf(rule, one)),
    patches: [],
    trace: ruleTrace(rule.planned, outcome, { code: lead.code, message: lead.message, children }),
  };
}

/**
 * A mistake of ours that foreign evidence may have brought about is an `error` of this image, which blocks even under
 * `failurePolicy: Ignore`: thrown, it would be up to the caller's own error handling whether the image runs.
 */
function judgeSafely(question: ImageQuestion, pass: Pass): ImageJudgement {
  try {
    return judgeImage(question, pass);
  } catch (error) {
    if (error instanceof PendingLookup) throw error;
    const code = "internal";
    const message = `failed to verify image ${question.image.text}: internal error: ${error instanceof Error ? error.message : String(error)}`;
    const { rule } = question.rule.compiled;
    const where = { path: rule.path, source: rule.source, step: "image" } as const;
    return { trace: errorTrace(where, code, message), code, message, opens: false, patches: [] };
  }
}

/** INVARIANT: where an image cannot be read something unknown would run, so the rule fails. */
function badImage({ planned }: RuleCase, problem: ExtractionProblem): ImageRuling {
  const { rule } = planned.compiled;
  const { message } = problem;
  const code = problem.code === "badImage" ? "badImageReference" : "malformed";
  const place = { path: rule.path, source: rule.source };
  const facts = { pointer: problem.pointer };
  const trace: Trace = { step: "image", ...place, outcome: "fail", code, message, facts, children: [] };
  return { trace, code, message, opens: false, patches: [] };
}

interface Judged extends StepJudgement {
  readonly code: Code;
  readonly message: string;
  readonly text?: string;
  readonly digest?: string;
}

function rulingOf({ planned, failureAction }: RuleCase, judged: Judged): Ruling {
  const { policy, rule } = planned.compiled;
  const { text, digest, code, message, trace } = judged;
  const image = text === undefined ? {} : { image: text };
  const known = digest === undefined ? {} : { digest };
  return {
    policy,
    opens: judged.opens,
    result: {
      policy: policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`,
      rule: rule.name,
      ...image,
      ...known,
      outcome: trace.outcome,
      code,
      message,
      failureAction,
    },
  };
}

function ruleTrace(
  planned: PlannedRule,
  outcome: Outcome,
  rest: Pick<Trace, "code" | "message" | "children">,
): Trace {
  const { rule } = planned.compiled;
  return { step: "rule", path: rule.path, source: rule.source, outcome, facts: { rule: rule.name }, ...rest };
}
