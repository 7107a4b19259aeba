import type { Answers } from "./gather/gather.ts";
import type { Verdict } from "./verdict/verdict.ts";

/** What a verdict cost. Not part of it: equal inputs give equal verdicts, however long they take. */
export interface EvaluationStats {
  /** Wall-clock time of the evaluation. */
  readonly milliseconds: number;
  /** Questions asked of the sources. */
  readonly lookups: number;
  /** Requests that the sources made for them, as far as they say. */
  readonly requests: number;
  /** How often judging had to wait for more answers. */
  readonly rounds: number;
  /** Rounds that were judged in another thread, because the evidence is large. */
  readonly away: number;
  /** Signature questions that an earlier evaluation had answered. */
  readonly facts: number;
}

/** A verdict, what it cost, and everything that it rests on. */
export interface Evaluation {
  readonly verdict: Verdict;
  readonly stats: EvaluationStats;
  /** Every question with its answer, by `lookupKey`: what a record is made of. */
  readonly answers: Answers;
  /** The clock's time that the verdict was judged at. */
  readonly now: Date;
}

/**
 * One round of judging, as it ended. All of its checks are made in one synchronous pass, so they share these times and
 * have none of their own.
 */
export interface JudgedRound {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Of an `away` round, the wait for its thread is part. */
  readonly milliseconds: number;
  /** Judged in another thread, because the evidence is large. */
  readonly away: boolean;
  /** Of the last round. Absent: answers were wanting, and the sources are asked. */
  readonly verdict?: Verdict;
}

/** How one evaluation may be cut short, and who is told of it. */
export interface EvaluationOptions {
  /**
   * When it is aborted, `evaluate` rejects with its reason. A reason named `TimeoutError` (`AbortSignal.timeout`) is a
   * deadline instead: what was not answered by then is `timeout` in the verdict.
   */
  readonly signal?: AbortSignal;
  /** Instead of the smallest `webhookTimeoutSeconds` of the policies that apply. `Infinity`: 25 days. */
  readonly timeoutMilliseconds?: number;
  /**
   * False: nothing that earlier evaluations verified is used, so that `answers` holds everything the verdict rests on;
   * nor what others, still running, were answered. A record needs that. Default true.
   */
  readonly remember?: boolean;
  /** Told of every round, for traces and metrics; what it throws, `evaluate` rejects with. */
  readonly onJudged?: (round: JudgedRound) => void;
}
