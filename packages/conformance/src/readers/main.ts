// The readers lane: random texts, read by assay and by Go's readers. Called by scripts/lanes/readers.lane.sh, which says
// where these are. The last line is `N passed, N failed`.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { collectChecks } from "../interop/checks.ts";
import type { Comparison } from "./comparison.ts";
import { askGo } from "./go-reader.ts";
import { manifests, yamlTexts } from "./manifests.ts";
import { references } from "./references.ts";

const { ASSAY_GO_READERS: program = "", READERS_SECONDS = "10", READERS_SEED } = process.env;
const seed = Number(READERS_SEED ?? Date.now() % 2 ** 31);
/** Texts a round, and how many must be read by both until a comparison has shown anything. */
const [round, enough] = [2_000, 500];
const shown = 3;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const checks = collectChecks(print);
for (const comparison of [manifests, yamlTexts, references]) compare(comparison);
print(`${checks.passed()} passed, ${checks.failed()} failed`);
process.exitCode = checks.failed() === 0 ? 0 : 1;

/** Rounds until the time is over or something differs. */
function compare({ name, sentence, texts, read }: Comparison): void {
  const end = performance.now() + Number(READERS_SECONDS) * 1000;
  const differences: string[] = [];
  let [tried, both] = [0, 0];
  do {
    const batch = fc.sample(texts, { numRuns: round, seed: (seed + tried) | 0 });
    for (const [index, theirs] of askGo(program, name, batch).entries()) {
      const text = batch[index] ?? "";
      const ours = read(text);
      if (!("value" in ours) || !("value" in theirs)) continue;
      both++;
      if (!isDeepStrictEqual(plain(ours.value), theirs.value))
        differences.push(JSON.stringify({ text, ours: ours.value, theirs: theirs.value }));
    }
    tried += batch.length;
  } while (differences.length === 0 && performance.now() < end);
  print(`${name}: ${tried} texts, ${both} read by both, READERS_SEED=${seed}`);
  checks.that(sentence, differences.length === 0, differences.slice(0, shown).join("\n"));
  checks.that(`${name}: some texts are read by both`, both >= enough, `${both} of ${tried}`);
}

/** As JSON has it: without prototypes and absent members. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
