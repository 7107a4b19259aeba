import fc from "fast-check";
import { type Attack, attack, run } from "../test/attack.ts";

// Hostile expressions, templates, conditions and documents for FUZZ_SECONDS (default 20). Prints what was tried; the
// exit code is 1 when something else than a value or a `ConditionError` came back, or took longer than 100 ms.

const SLOW_MS = 100;
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 20);
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

interface Figures {
  tried: number;
  refused: number;
  crashed: number;
  slow: number;
  slowest: number;
}

const figures: Figures = { tried: 0, refused: 0, crashed: 0, slow: 0, slowest: 0 };
const end = performance.now() + seconds * 1_000;
for (let round = 0; performance.now() < end; round++) {
  for (const input of fc.sample(attack, { numRuns: 500, seed: (seed + round) | 0 })) {
    if (performance.now() >= end) break;
    attempt(input);
  }
}
const { tried, refused, crashed, slow, slowest } = figures;
print(
  `${tried} inputs tried, ${refused} refused with an error, ${crashed} crashed, ${slow} over ${SLOW_MS} ms ` +
    `(slowest ${slowest.toFixed(1)} ms), seed ${seed}`,
);
process.exitCode = crashed + slow > 0 || tried === 0 ? 1 : 0;

function attempt(input: Attack): void {
  figures.tried++;
  const took = timed(input);
  figures.slowest = Math.max(figures.slowest, took);
  // A machine that is busy makes anything slow once: only what is slow again is a finding.
  if (took <= SLOW_MS || Math.min(timed(input), timed(input)) <= SLOW_MS) return;
  figures.slow++;
  print(`slow, ${took.toFixed(0)} ms: ${JSON.stringify(input)}`);
}

function timed(input: Attack): number {
  const began = performance.now();
  try {
    if (run(input) === "error") figures.refused++;
  } catch (error) {
    figures.crashed++;
    print(`crashed: ${JSON.stringify(input)}\n${error instanceof Error ? error.stack : String(error)}`);
  }
  return performance.now() - began;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
