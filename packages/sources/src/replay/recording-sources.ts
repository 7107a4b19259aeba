import type { Answer, FetchOptions, Lookup, Sources } from "@assay/engine";
import { encodeAnswers, questionOf, type RecordedAnswer } from "./source-record.ts";

/** Sources that remember what they answered. */
export interface Recording {
  readonly sources: Sources;
  /**
   * The record so far as text, for `replaySources`. It holds whatever was answered: Secrets that policies asked for are
   * in it, registry credentials are not.
   */
  text(): string;
}

interface AnySource {
  fetch(lookup: Lookup, options: FetchOptions): Promise<Answer>;
}

/**
 * Writes down every answer of `sources`, of one evaluation or of many. Of equal lookups the first answer counts: a
 * replay sees one state of the world.
 */
export function recordingSources(sources: Sources): Recording {
  const recorded = new Map<string, RecordedAnswer>();
  const recording = <T extends object>(source: T): T => {
    const inner = source as AnySource; // every port has this one method, each for its own lookups.
    const outer: AnySource = {
      async fetch(lookup, options) {
        const answer = await inner.fetch(lookup, options);
        const question = questionOf(lookup);
        if (!recorded.has(question)) recorded.set(question, { lookup, answer });
        return answer;
      },
    };
    return outer as T;
  };
  const { evidence, context, keys, trust, log } = sources;
  return {
    sources: {
      evidence: recording(evidence),
      ...(context === undefined ? {} : { context: recording(context) }),
      ...(keys === undefined ? {} : { keys: recording(keys) }),
      ...(trust === undefined ? {} : { trust: recording(trust) }),
      ...(log === undefined ? {} : { log: recording(log) }),
    },
    text: () => encodeAnswers(recorded.values()),
  };
}
