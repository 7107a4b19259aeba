import type { EvidenceLookup } from "@assay/engine";
import { answerFrom, type EvidenceValue, repositoryOf } from "../oci/answer-from.ts";
import { SourceError } from "../source-error.ts";
import { type Mirror, placesOf } from "./mirrors.ts";
import { locate } from "./registry-host.ts";
import { type RepositoryOptions, registryRepository } from "./registry-repository.ts";
import type { Errand } from "./transport.ts";

/**
 * Answers one lookup: at its mirrors in order, then at the original. A mirror's "nothing here" is not taken for an
 * answer while there is another place to ask (pull-through caches often lack signatures). Throws `SourceError`.
 */
export async function answerLookup(
  lookup: EvidenceLookup,
  errand: Errand,
  options: RepositoryOptions & { readonly mirrors: readonly Mirror[] },
): Promise<EvidenceValue> {
  const original = repositoryOf(lookup);
  const places = placesOf(original, options.mirrors);
  for (const [position, place] of places.entries()) {
    const isLast = position === places.length - 1;
    const repository = registryRepository(place, locate(place), errand, options);
    try {
      const value = await answerFrom(repository, lookup, options.limits);
      if (place !== original) errand.note(`\`${original}\` was asked at its mirror \`${place}\``);
      if (isLast || !isEmpty(value)) return value;
    } catch (error) {
      if (isLast || !(error instanceof SourceError)) throw error;
      errand.note(`mirror \`${place}\`: ${error.message}`);
    }
  }
  throw new SourceError("misuse", "a repository has no place to be asked at", { origin: original });
}

function isEmpty(value: EvidenceValue): boolean {
  return "candidates" in value && value.candidates.length === 0;
}
