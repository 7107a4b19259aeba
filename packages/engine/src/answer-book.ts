import type { Answers } from "./gather.ts";
import type { Answer, Lookup, LookupFailure } from "./lookup.ts";
import { lookupKey } from "./lookup-key.ts";

/**
 * What one pass of `judge` knows and what it still wants. Asking for something unknown notes the wish and goes on: a
 * pass that ends with wishes says nothing about the outcome, and is repeated with their answers.
 */
export interface AnswerBook {
  /** The answer, or undefined, after which it is among `wanted`. */
  ask<L extends Lookup>(lookup: L): Answer<L["kind"]> | undefined;
  /** The same, and at once what will be wanted if the answer is `unsupported`: that saves waiting for another round. */
  askOr<L extends Lookup>(lookup: L, ifUnsupported: Lookup): Answer<L["kind"]> | undefined;
  /** The answer if it is known; never a wish. */
  peek<L extends Lookup>(lookup: L): Answer<L["kind"]> | undefined;
  readonly wanted: ReadonlyMap<string, Lookup>;
  /** By the key of a wanted lookup: what to ask too if that one is answered with `unsupported`. */
  readonly ifUnsupported: ReadonlyMap<string, Lookup>;
}

/** A book over what was gathered so far. */
export function answerBook(answers: Answers): AnswerBook {
  const wanted = new Map<string, Lookup>();
  const ifUnsupported = new Map<string, Lookup>();
  const find = <L extends Lookup>(key: string): Answer<L["kind"]> | undefined =>
    // INVARIANT: answers are stored under the key of the lookup they answer, which holds its kind.
    answers.get(key)?.answer as Answer<L["kind"]> | undefined;
  const ask = <L extends Lookup>(lookup: L): Answer<L["kind"]> | undefined => {
    const key = lookupKey(lookup);
    const answer = find<L>(key);
    if (answer === undefined) wanted.set(key, lookup);
    return answer;
  };
  return {
    wanted,
    ifUnsupported,
    ask,
    peek: (lookup) => find(lookupKey(lookup)),
    askOr(lookup, other) {
      const answer = ask(lookup);
      if (answer === undefined) ifUnsupported.set(lookupKey(lookup), other);
      return answer;
    },
  };
}

/** Thrown through an expression that needs an answer which is not there yet; caught where the pass can go on. */
export class PendingLookup {
  /** What is waited for. It is no `Error`: nobody is shown it, and a stack trace would cost more than the pass. */
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** Thrown through an expression that refers to something which could not be had. */
export class UnavailableContext extends Error {
  override readonly name = "UnavailableContext";
  /** Whether Kyverno's `failurePolicy: Ignore` would admit in spite of it. */
  readonly opens: boolean;

  constructor(message: string, opens: boolean) {
    super(message);
    this.opens = opens;
  }
}

/**
 * Whether `failurePolicy: Ignore` lets a request through that could not be decided because of this: no connection or
 * a deadline, as in Kyverno. A refusal by HTTP, a broken source, bytes of another digest: never.
 */
export function opensUnderIgnore(failure: LookupFailure): boolean {
  return (failure.code === "unavailable" || failure.code === "timeout") && failure.status === undefined;
}
