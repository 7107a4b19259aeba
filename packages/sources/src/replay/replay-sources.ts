import type { Answer, FetchOptions, Lookup, Sources } from "@assay/engine";
import { decodeAnswers, questionOf } from "./source-record.ts";

/**
 * Sources that answer from a record, without network or files. What was never asked is `unavailable`: a replay decides
 * nothing that was not seen. Throws `SourceError` `misuse` for a text that is no record.
 */
export function replaySources(text: string): Sources {
  const answers = new Map(decodeAnswers(text).map(({ lookup, answer }) => [questionOf(lookup), answer]));
  const source = {
    async fetch(lookup: Lookup, { signal }: FetchOptions): Promise<Answer> {
      signal.throwIfAborted();
      const known = answers.get(questionOf(lookup));
      if (known !== undefined) return { ...known, requests: 0 };
      const message = `this ${lookup.kind} lookup is not in the record`;
      return { ok: false, failure: { code: "unavailable", message, origin: "record" }, requests: 0 };
    },
  };
  const every: object = { evidence: source, context: source, keys: source, trust: source, log: source };
  return every as Sources; // an answer is of its lookup's kind, as it was recorded.
}
