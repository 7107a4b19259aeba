// The verifiers lane: bundles, made and changed at random, put to assay's kernel and to sigstore-go. What the kernel accepts and
// sigstore-go refuses is a row of docs/compatibility.md, or a finding. Called by scripts/lanes/verifiers.lane.sh, which says
// where sigstore-go is. The last line is `N passed, N failed`.
import { collectChecks } from "../../interop/checks.ts";
import { randomOf } from "../../random.ts";
import { changedQuestions, drawQuestions } from "./draw-questions.ts";
import { rowOf } from "./expected.ts";
import { drawsOf } from "./parties.ts";
import { askAssay, askGo, type Question, type Reason } from "./question.ts";

const { ASSAY_GO_VERIFIERS: program = "", VERIFIERS_SECONDS = "20", VERIFIERS_SEED } = process.env;
/** What bytes are changed depends on keys that are new in every run; what people make of the kit's parts, on the seed alone. */
const changes = process.argv.includes("--changes");
const seed = Number(VERIFIERS_SEED ?? (changes ? Date.now() % 2 ** 31 : 1));
/** Questions a round, and how many both must accept until the comparison has shown anything. */
const [round, enough] = [100, 20];
const shown = 3;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const checks = collectChecks(print);
const end = performance.now() + Number(VERIFIERS_SECONDS) * 1000;
const findings: string[] = [];
const rows = new Map<string, number>();
let [asked, accepted, stricter] = [0, 0, 0];
do {
  const draws = drawsOf(randomOf(seed + asked), changes);
  const made = drawQuestions(draws, round);
  const questions = changes ? [...made, ...changedQuestions(made, draws)] : made;
  const theirs = askGo(program, questions);
  for (const [index, question] of questions.entries()) {
    const [ours, refusal] = [askAssay(question), theirs[index] ?? ""];
    if (ours !== "" && refusal === "") stricter++;
    if (ours !== "") continue;
    if (refusal === "") accepted++;
    else explain(refusal, question);
  }
  asked += questions.length;
} while (findings.length === 0 && performance.now() < end);

print(`${asked} bundles: both accept ${accepted}, sigstore-go alone ${stricter}. VERIFIERS_SEED=${seed}`);
for (const [row, count] of rows) print(`assay alone ${count}: ${row}`);
const sentence = "what the kernel accepts sigstore-go accepts, or docs/compatibility.md says why not";
checks.that(sentence, findings.length === 0, findings.slice(0, shown).join("\n"));
checks.that("some bundles are accepted by both", accepted >= enough, `${accepted} of ${asked}`);
print(`${checks.passed()} passed, ${checks.failed()} failed`);
process.exitCode = checks.failed() === 0 ? 0 : 1;

function explain(refusal: Reason, question: Question): void {
  const row = rowOf(refusal, question);
  if (row === undefined) findings.push(`${refusal}\n${JSON.stringify(question)}`);
  else rows.set(row, (rows.get(row) ?? 0) + 1);
}
