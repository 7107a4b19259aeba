import { EngineError, formatPosition } from "./engine-error.ts";
import type { Evaluation, EvaluationOptions } from "./evaluation.ts";
import { evidenceSize } from "./gather/answer-evidence.ts";
import { type Answered, type Answers, gather, originOf } from "./gather/gather.ts";
import type { Answer, Lookup, LookupFailure, Sources } from "./gather/lookup.ts";
import type { Facts } from "./judge/fact-memory.ts";
import type { Judgement } from "./judge/judge.ts";
import { type Case, judgeOnce } from "./judge-once.ts";
import type { RequestPlan } from "./plan/request-plan.ts";
import { type AwayJudge, evidenceBytes } from "./worker/judge-away.ts";

interface Evaluating extends Case {
  /** When it began, by `performance.now()`. */
  readonly started: number;
  readonly sources: Sources;
  readonly away: AwayJudge;
  readonly limits: {
    readonly concurrency: number;
    readonly maxLookups: number;
    readonly largeEvidenceBytes: number;
  };
}

/** More rounds than any chain of context entries, keys, evidence, fallback tags and trust roots needs. */
const maxRounds = 100;

/** Milliseconds after which others have their turn before anybody is asked: a process compiles code at its first use. */
const longTurnMs = 4;

/** One for all: making it takes a stack trace. */
const over = new DOMException("the evaluation has ended", "AbortError");

/** Judges, gathers what the judgement wants, and judges again, until there is a verdict. */
export async function evaluateRequest(
  evaluating: Evaluating,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { started } = evaluating;
  let turnBegan = started;
  const answers = new Map<string, Answered>();
  const deadline = startDeadline(evaluating.plan, options);
  let facts = 0;
  let away = 0;
  const { facts: memory } = evaluating.memory;
  const remembered: Facts = { memory, evaluation: Symbol("evaluation"), recalled: () => facts++ };
  const recall = options.remember !== false && memory.ttlMilliseconds > 0;
  try {
    for (let rounds = 0; ; rounds++) {
      const judged = startRound(options);
      const far = await judgeFar(evaluating, answers, deadline.signal);
      if (far !== undefined) away++;
      throwIfCancelled(options.signal);
      const judgement = far ?? judgeOnce(evaluating, answers, recall ? remembered : undefined);
      judged(judgement, far !== undefined);
      if (judgement.kind === "verdict") {
        const requests = [...answers.values()].reduce((sum, { answer }) => sum + (answer.requests ?? 0), 0);
        const milliseconds = performance.now() - started;
        const stats = { milliseconds, lookups: answers.size, requests, rounds, facts, away };
        return { verdict: judgement.verdict, stats, answers, now: evaluating.now };
      }
      if (performance.now() - turnBegan > longTurnMs) await nextTurn();
      throwIfCancelled(options.signal);
      const more = await answerAll(judgement, { evaluating, deadline, answers, rounds, options });
      turnBegan = performance.now();
      for (const [key, answered] of more) answers.set(key, answered);
      throwIfCancelled(options.signal);
    }
  } finally {
    deadline.stop();
  }
}

/** A timer, unlike Node's immediates, fires when timers and sockets have had their turn; and browsers have it too. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Who does not want to know of rounds does not pay for their clocks. */
function startRound({ onJudged }: EvaluationOptions): (judgement: Judgement, away: boolean) => void {
  if (onJudged === undefined) return () => undefined;
  const startedAt = Date.now();
  const started = performance.now();
  return (judgement, away) => {
    const milliseconds = performance.now() - started;
    const verdict = judgement.kind === "verdict" ? { verdict: judgement.verdict } : {};
    onJudged({ startedAt, milliseconds, away, ...verdict });
  };
}

/** Large evidence takes long to hash and parse: then the event loop is left free. */
async function judgeFar(
  evaluating: Evaluating,
  answers: Answers,
  signal: AbortSignal,
): Promise<Judgement | undefined> {
  const { largeEvidenceBytes } = evaluating.limits;
  if (largeEvidenceBytes === Number.POSITIVE_INFINITY) return undefined;
  if (evidenceBytes(answers) < largeEvidenceBytes) return undefined;
  const judged = await evaluating.away.judge(evaluating, answers, signal);
  if (judged === "unavailable") return undefined;
  return judged === "lost" ? judgeOnce(evaluating, withoutEvidence(answers)) : judged;
}

/**
 * Evidence that could not be judged in time (or in the memory of a thread) is evidence that could not be had. It was
 * received, which the status says, and its size is the attacker's choice: no `failurePolicy: Ignore` lets it through.
 */
function withoutEvidence(answers: Answers): Answers {
  const message = "webhookTimeoutSeconds exceeded: the evidence is too large to be judged in time";
  return new Map(
    [...answers].map(([key, { lookup, answer }]) => {
      if (evidenceSize(answer) === 0) return [key, { lookup, answer }] as const;
      const failure: LookupFailure = { code: "timeout", status: 200, message, origin: originOf(lookup) };
      return [key, { lookup, answer: { ok: false, failure } as const }] as const;
    }),
  );
}

interface Round {
  readonly evaluating: Evaluating;
  readonly deadline: Deadline;
  readonly answers: Answers;
  readonly rounds: number;
  readonly options: EvaluationOptions;
}

async function answerAll(
  { wanted, ifUnsupported }: Extract<Judgement, { kind: "wanted" }>,
  round: Round,
): Promise<Answers> {
  const { evaluating, deadline } = round;
  const { concurrency, maxLookups } = evaluating.limits;
  if (round.rounds > 2 * maxRounds) throw new Error("the evaluation does not come to an end");
  const room = round.rounds >= maxRounds ? 0 : Math.max(0, maxLookups - round.answers.size);
  const entries = [...wanted];
  const allowed = new Map(entries.slice(0, room));
  const gathered = await gather(allowed, evaluating.sources, {
    signal: deadline.signal,
    concurrency,
    ifUnsupported,
    timeoutMessage: deadline.message,
    deadline: deadline.at,
    ...(round.options.remember === false ? {} : { evaluation: deadline.ended }),
  });
  const refused = entries
    .slice(room)
    .map(([key, lookup]) => [key, { lookup, answer: tooMany(lookup, round) }] as const);
  return new Map([...gathered, ...refused]);
}

function tooMany(lookup: Lookup, { evaluating }: Round): Answer {
  const message = `one evaluation makes at most ${evaluating.limits.maxLookups} lookups in ${maxRounds} rounds`;
  const failure: LookupFailure = { code: "tooMany", message, origin: originOf(lookup) };
  return { ok: false, failure };
}

/** A timeout of the caller's is a deadline, with a verdict; any other abort is the caller's wish to hear nothing. */
function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true && !isTimeout(signal)) throw signal.reason;
}

function isTimeout(signal: AbortSignal): boolean {
  const reason: unknown = signal.reason;
  return reason instanceof Error && reason.name === "TimeoutError";
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Aborted by `stop`: the evaluation has ended, whichever way. */
  readonly ended: AbortSignal;
  stop(): void;
}

/** What a timer can wait, since Node takes anything longer, or no number, for a millisecond. */
function timeoutOf({ timeoutMilliseconds: given }: EvaluationOptions): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "number" || Number.isNaN(given))
    throw new EngineError("misuse", "`timeoutMilliseconds` is not a number");
  return Math.min(Math.max(given, 0), 2 ** 31 - 1);
}

/** The first policy's `webhookTimeoutSeconds` to run out ends the wait for all: the API server would not wait longer. */
function startDeadline(plan: RequestPlan, options: EvaluationOptions): Deadline {
  const policies = plan.rules.map(({ compiled }) => compiled.policy);
  const strictest = policies.toSorted((a, b) => a.webhookTimeoutSeconds - b.webhookTimeoutSeconds)[0];
  const milliseconds = timeoutOf(options) ?? (strictest?.webhookTimeoutSeconds ?? 10) * 1000;
  const whose =
    strictest === undefined || options.timeoutMilliseconds !== undefined
      ? ""
      : ` (policy \`${strictest.name}\`, ${formatPosition(strictest.source)})`;
  const timer = new AbortController();
  const handle = setTimeout(() => timer.abort(), milliseconds);
  const ended = new AbortController();
  return {
    signal: options.signal === undefined ? timer.signal : AbortSignal.any([timer.signal, options.signal]),
    message: `webhookTimeoutSeconds exceeded: no answer within ${milliseconds / 1000} s${whose}`,
    at: Date.now() + milliseconds,
    ended: ended.signal,
    stop: () => {
      clearTimeout(handle);
      ended.abort(over);
    },
  };
}
