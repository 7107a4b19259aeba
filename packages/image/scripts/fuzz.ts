import fc from "fast-check";
import {
  ImageReferenceError,
  imageVariables,
  matchText,
  parseImageReference,
  selects,
  wildcardMatch,
} from "../src/index.ts";

// Hostile references and patterns for FUZZ_SECONDS (default 20): a reference parses or is refused with an
// `ImageReferenceError` whose offset lies in the text; what parses is written again as itself; nothing takes long.

const slowest = 100;
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 20);
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

const piece = fc.constantFrom(
  "a",
  "B",
  "0",
  "-",
  "_",
  "__",
  ".",
  "/",
  ":",
  "@",
  "[",
  "]",
  "::1",
  "sha256:",
  "ghcr.io",
  "é",
  "😀",
  " ",
  "*",
  "?",
);
const hex = fc
  .array(fc.constantFrom(..."0123456789abcdefA"), { minLength: 30, maxLength: 70 })
  .map((all) => all.join(""));
const text = fc
  .array(fc.oneof({ weight: 8, arbitrary: piece }, hex), { maxLength: 30 })
  .map((all) => all.join(""));
const long = fc
  .tuple(text, fc.integer({ min: 1, max: 3000 }))
  .map(([one, times]) => one.repeat(times).slice(0, 200_000));
const input = fc.tuple(
  fc.oneof({ weight: 4, arbitrary: text }, long),
  fc.oneof({ weight: 4, arbitrary: text }, long),
);

let tried = 0;
let parsed = 0;
let worst = 0;
const end = performance.now() + seconds * 1000;
for (let round = 0; performance.now() < end; round++) {
  for (const [reference, pattern] of fc.sample(input, { numRuns: 500, seed: (seed + round) | 0 })) {
    tried++;
    const took = timed(reference, pattern);
    worst = Math.max(worst, took);
    // A machine that is busy makes anything slow once: only what is slow again is a finding.
    if (took <= slowest || Math.min(timed(reference, pattern), timed(reference, pattern)) <= slowest)
      continue;
    throw new Error(`took ${took.toFixed()} ms: ${JSON.stringify([reference, pattern]).slice(0, 2000)}`);
  }
}
process.stdout.write(
  `image: ${tried} inputs tried, ${parsed} parsed, none crashed, slowest ${worst.toFixed(1)} ms, seed ${seed}\n`,
);

function timed(reference: string, pattern: string): number {
  const started = performance.now();
  wildcardMatch(pattern, reference);
  attempt(reference, pattern);
  return performance.now() - started;
}

function attempt(reference: string, pattern: string): void {
  try {
    const image = parseImageReference(reference);
    parsed++;
    const again = imageVariables(parseImageReference(matchText(image)));
    if (again.reference !== matchText(image))
      throw new Error(`written otherwise: ${JSON.stringify(reference)}`);
    selects(pattern, image);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    if (error.offset < 0 || error.offset > reference.length)
      throw new Error(`a bad offset: ${JSON.stringify(reference)}`);
  }
}
