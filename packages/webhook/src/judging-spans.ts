import type { EvaluationOptions, JudgedRound } from "@assay/engine";
import type { Step, Trace } from "@assay/policy";
import { type Attributes, type Context, context, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { tracer } from "./tracing.ts";

/** Steps of a verdict's trace that are checks. What was read to decide them (signatures, statements) stays in the verdict. */
const checks: ReadonlySet<Step> = new Set<Step>([
  "rule",
  "preconditions",
  "image",
  "check",
  "digest",
  "attestor",
  "attestation",
  "deny",
]);

/** A review of very many images is not to flood the collector. */
const maxChecks = 1000;

/**
 * Below the span of a review: a span for every round of judging and, in the last one, a span for every check that the
 * verdict rests on. A round is one synchronous pass, so its checks carry its times: no duration is made up. Messages and
 * values are left out, since they may hold what the policy looked up. Nothing is done where the review is not recorded.
 */
export function judgingSpans(review: Span): Pick<EvaluationOptions, "onJudged"> {
  if (!review.isRecording()) return {};
  const parent = trace.setSpan(context.active(), review);
  let rounds = 0;
  return {
    onJudged: (round) => {
      const { verdict } = round;
      if (verdict !== undefined) {
        review.setAttributes({ "assay.allowed": verdict.allowed, "assay.outcome": verdict.outcome });
      }
      spanOfRound(round, rounds++, parent);
    },
  };
}

interface Times {
  readonly startTime: number;
  readonly endTime: number;
}

function spanOfRound(round: JudgedRound, number: number, parent: Context): void {
  const times = { startTime: round.startedAt, endTime: round.startedAt + round.milliseconds };
  const { verdict } = round;
  const attributes = {
    "assay.round": number,
    "assay.away": round.away,
    "assay.decided": verdict !== undefined,
  };
  const span = tracer().startSpan("judge", { startTime: times.startTime, attributes }, parent);
  const below = trace.setSpan(parent, span);
  const budget = { left: maxChecks, over: 0 };
  for (const node of verdict?.trace ?? []) spansOfChecks(node, { times, budget, about: {} }, below);
  if (budget.over > 0) span.setAttribute("assay.checks_left_out", budget.over);
  span.end(times.endTime);
}

interface Telling {
  readonly times: Times;
  readonly budget: { left: number; over: number };
  /** Policy, rule and image that the checks above have named. */
  readonly about: Attributes;
}

function spansOfChecks(node: Trace, telling: Telling, parent: Context): void {
  // Policies are loaded for a whole cluster: what is not about this object is no check of it.
  if (node.code === "notMatched" || node.code === "noImages") return;
  const { times, budget } = telling;
  const about = { ...telling.about, ...named(node) };
  const within = { ...telling, about };
  const isCheck = checks.has(node.step);
  if (!isCheck || budget.left === 0) {
    if (isCheck) budget.over++;
    below(node, within, parent);
    return;
  }
  budget.left--;
  const { startTime, endTime } = times;
  const attributes = {
    ...about,
    "assay.step": node.step,
    "assay.path": node.path,
    "assay.outcome": node.outcome,
    "assay.code": node.code,
  };
  const name = node.step === "check" ? "check" : `check ${node.step}`;
  const span = tracer().startSpan(name, { startTime, attributes }, parent);
  if (node.outcome === "error") span.setStatus({ code: SpanStatusCode.ERROR, message: node.code });
  below(node, within, trace.setSpan(parent, span));
  span.end(endTime);
}

function below(node: Trace, telling: Telling, parent: Context): void {
  if (node.step === "attestor") return;
  for (const child of node.children) spansOfChecks(child, telling, parent);
}

function named({ step, facts }: Trace): Attributes {
  const name = facts?.[step];
  if (step !== "policy" && step !== "rule" && step !== "image") return {};
  return typeof name === "string" ? { [`assay.${step}`]: name } : {};
}
