import { distance } from "fastest-levenshtein";

/** The candidate that `text` was probably meant to be; undefined where none is close. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  if (text.length > 100) return undefined;
  const wanted = text.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(text.length / 3)) + 0.5;
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    // A singular for a plural or a left-out ending is nearer than its distance says. `image` is no `imageReferance`.
    const added = wanted.startsWith(lower) && lower.length * 2 > wanted.length;
    const contained = wanted.length > 3 && (lower.startsWith(wanted) || added);
    const apart = contained ? 1 : distance(wanted, lower);
    if (apart < bestDistance) {
      best = candidate;
      bestDistance = apart;
    }
  }
  return best;
}
