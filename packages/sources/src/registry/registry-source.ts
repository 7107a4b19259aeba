import type { Answer, AnswerValues, EvidenceLookup, EvidenceSource, FetchOptions } from "@assay/engine";
import { failedAnswer } from "../source-error.ts";
import { answerLookup } from "./answer-lookup.ts";
import { type RegistryOptions, registryMeans } from "./registry-means.ts";
import { singleFlight } from "./single-flight.ts";
import type { Errand } from "./transport.ts";

/**
 * Reads digests, signatures, attestations and bundles from registries over the OCI distribution API.
 *
 * What is proven of an answer: every digest was computed from bytes that were read, and bytes that were asked for by
 * digest are those bytes. Nothing else is: candidates are unverified. A failure says why something could not be had
 * and is never an empty answer; equal lookups that run at the same time are sent once.
 */
export function registrySource(options: RegistryOptions = {}): EvidenceSource {
  const means = registryMeans(options);
  const flights = singleFlight<Answer>();
  const mirrors = options.mirrors ?? [];

  return {
    async fetch<K extends EvidenceLookup["kind"]>(
      lookup: Extract<EvidenceLookup, { kind: K }>,
      { signal, deadline }: FetchOptions,
    ): Promise<Answer<K>> {
      const { value, joined } = await flights(JSON.stringify(lookup), signal, (shared) =>
        answerWithNotes(lookup, { signal: shared, deadline }, (errand) =>
          answerLookup(lookup, errand, { ...means, mirrors }),
        ),
      );
      // Who joined somebody else's lookup caused no request.
      const answer = joined ? { ...value, requests: 0 } : value;
      return answer as Answer<K>; // `answerLookup` answers each kind of lookup with its own value.
    },
  };
}

async function answerWithNotes(
  lookup: EvidenceLookup,
  { signal, deadline }: { readonly signal: AbortSignal; readonly deadline: number | undefined },
  work: (errand: Errand) => Promise<AnswerValues[EvidenceLookup["kind"]]>,
): Promise<Answer> {
  const notes = new Set<string>();
  let requests = 0;
  const errand: Errand = {
    access: lookup.access,
    signal,
    deadline,
    count: () => void requests++,
    note: (text) => void notes.add(text),
  };
  try {
    const value = await work(errand);
    return { ok: true, value, requests, ...noted(notes) } as Answer; // the value is the lookup's own, see above
  } catch (error) {
    signal.throwIfAborted();
    const { failure, ...failed } = failedAnswer(error);
    const credentials = failure.code === "unauthorized" && notes.size > 0 ? `; ${[...notes].join("; ")}` : "";
    return {
      ...failed,
      failure: { ...failure, message: failure.message + credentials },
      requests,
      ...noted(notes),
    };
  }
}

function noted(notes: ReadonlySet<string>): { readonly notes?: readonly string[] } {
  return notes.size === 0 ? {} : { notes: [...notes] };
}
