import type { Answer, AnswerValues, EvidenceLookup, EvidenceSource, FetchOptions } from "@assay/engine";
import { failedAnswer } from "../source-error.ts";
import { answerLookup } from "./answer-lookup.ts";
import { mirrorsOf } from "./mirrors.ts";
import { registryMeans } from "./registry-means.ts";
import type { RegistryOptions } from "./registry-options.ts";
import { type SharedWork, singleFlight } from "./single-flight.ts";
import type { Errand } from "./transport.ts";

/**
 * Reads digests, signatures, attestations and bundles from registries over the OCI distribution API.
 *
 * What is proven of an answer: every digest was computed from bytes that were read, and bytes that were asked for by
 * digest are those bytes. Nothing else is: candidates are unverified. A failure says why something could not be had
 * and is never an empty answer. Equal lookups are sent once while they run, and while the evaluation that made them does.
 */
export function registrySource(options: RegistryOptions = {}): EvidenceSource {
  const means = registryMeans(options);
  const flights = singleFlight(isWhole);
  const mirrors = mirrorsOf(options.mirrors);

  return {
    async fetch<K extends EvidenceLookup["kind"]>(
      lookup: Extract<EvidenceLookup, { kind: K }>,
      { signal, deadline, evaluation }: FetchOptions,
    ): Promise<Answer<K>> {
      const asker = { signal, deadline, evaluation };
      const { value, joined } = await flights(JSON.stringify(lookup), asker, (shared) =>
        answerWithNotes(lookup, shared, (errand) => answerLookup(lookup, errand, { ...means, mirrors })),
      );
      // Who joined somebody else's lookup caused no request.
      const answer = joined ? { ...value, requests: 0 } : value;
      return answer as Answer<K>; // `answerLookup` answers each kind of lookup with its own value.
    },
  };
}

/** What failed, or was not read whole, may be there when it is asked for again. */
function isWhole(answer: Answer): boolean {
  if (!answer.ok) return false;
  return (
    !("candidates" in answer.value) || answer.value.candidates.every(({ kind }) => kind !== "unreadable")
  );
}

async function answerWithNotes(
  lookup: EvidenceLookup,
  { signal, deadline }: SharedWork,
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
