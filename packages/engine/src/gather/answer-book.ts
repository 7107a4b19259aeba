import type { Answers } from "./gather.ts";
import type { Answer, Lookup, LookupFailure } from "./lookup.ts";
import { lookupKey, nameOf } from "./lookup-key.ts";

/**
 * What one pass of `judge` knows and what it still wants. Asking for something unknown notes the wish and goes on: a
 * pass that ends with wishes says nothing about the outcome, and is repeated with their answers.
 * INVARIANT: a pass sees each tag as one digest, whoever asks: the answer to any question about a tag answers the others.
 * Only what may have come by plain http answers nobody who does not allow that.
 */
export interface AnswerBook {
  /** The answer, or undefined, after which it is among `wanted`. */
  ask<L extends Lookup>(lookup: L): Answer<L["kind"]> | undefined;
  /** The same, and at once what will be wanted if the answer is `unsupported`: that saves waiting for another round. */
  askOr<L extends Lookup>(lookup: L, ifUnsupported: Lookup): Answer<L["kind"]> | undefined;
  /** The answer if it is known; never a wish. */
  peek<L extends Lookup>(lookup: L): Answer<L["kind"]> | undefined;
  /** What will be asked once something else is known, for `plan`. */
  announce(lookup: Lookup): void;
  readonly announced: readonly Lookup[];
  readonly wanted: ReadonlyMap<string, Lookup>;
  /** By the key of a wanted lookup: what to ask too if that one is answered with `unsupported`. */
  readonly ifUnsupported: ReadonlyMap<string, Lookup>;
}

/** A book over what was gathered so far. */
export function answerBook(answers: Answers): AnswerBook {
  const wanted = new Map<string, Lookup>();
  const ifUnsupported = new Map<string, Lookup>();
  const announced: Lookup[] = [];
  const resolvedAs = tagDigests(answers);
  const find = <L extends Lookup>(key: string, lookup: L): Answer<L["kind"]> | undefined => {
    const resolved = lookup.kind === "digest" ? resolvedAs(lookup) : undefined;
    // INVARIANT: answers are stored under the key of the lookup they answer, which holds its kind.
    return (resolved ?? answers.get(key)?.answer) as Answer<L["kind"]> | undefined;
  };
  const ask = <L extends Lookup>(lookup: L): Answer<L["kind"]> | undefined => {
    const key = lookupKey(lookup);
    const answer = find(key, lookup);
    if (answer === undefined) wanted.set(key, lookup);
    return answer;
  };
  return {
    wanted,
    ifUnsupported,
    announced,
    announce: (lookup) => void announced.push(lookup),
    ask,
    peek: (lookup) => find(lookupKey(lookup), lookup),
    askOr(lookup, other) {
      const answer = ask(lookup);
      if (answer === undefined) ifUnsupported.set(lookupKey(lookup), other);
      return answer;
    },
  };
}

type DigestLookup = Extract<Lookup, { kind: "digest" }>;

/**
 * What a tag was resolved to, by anybody who may count: whoever asked with a policy's leave to use plain http counts last,
 * and only for those who have it too. Of several answers the one with the smallest key, so that the order does not matter.
 */
function tagDigests(answers: Answers): (lookup: DigestLookup) => Answer<"digest"> | undefined {
  interface Known {
    readonly key: string;
    readonly answer: Answer;
  }
  const secure = new Map<string, Known>();
  const insecure = new Map<string, Known>();
  for (const [key, { lookup, answer }] of answers) {
    if (lookup.kind !== "digest" || !answer.ok) continue;
    const name = nameOf(lookup.image);
    const known = mayBePlain(lookup) ? insecure : secure;
    const other = known.get(name);
    if (other === undefined || key < other.key) known.set(name, { key, answer });
  }
  return (lookup) => {
    const name = nameOf(lookup.image);
    const found = secure.get(name) ?? (mayBePlain(lookup) ? insecure.get(name) : undefined);
    // INVARIANT: only answers to lookups of this kind were collected.
    return found?.answer as Answer<"digest"> | undefined;
  };
}

function mayBePlain({ access }: DigestLookup): boolean {
  return access?.allowInsecureRegistry === true;
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
