import { opensUnderIgnore, UnavailableContext } from "../gather/answer-book.ts";
import type { LookupFailure } from "../gather/lookup.ts";

/** A context entry, Secret or API call that could not be had. That it does not exist is unavailable, not false. */
export function contextFailure(what: string, failure: LookupFailure): UnavailableContext {
  const why = failure.code === "notFound" ? `${what} does not exist` : `${what} could not be read`;
  return new UnavailableContext(
    `failed to load context: ${why}: ${failure.message}`,
    // Kyverno's `failurePolicy: Ignore` admits when a ConfigMap is missing.
    failure.code === "notFound" || opensUnderIgnore(failure),
  );
}
