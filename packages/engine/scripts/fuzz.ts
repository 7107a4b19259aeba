import { loadPolicies } from "@assay/policy";
import { createEngine } from "../src/engine.ts";
import type { Answer } from "../src/gather/lookup.ts";
import { toJUnit, toSarif } from "../src/report.ts";
import { explain } from "../src/verdict/explain.ts";
import { noon, pod } from "../test/build.ts";
import { fixture, fixtureSources } from "../test/fixture-source.ts";

// Judges recorded images whose evidence was damaged at random. A finding: the engine rejects, the verdict cannot be
// printed, or what was refused whole is allowed damaged. FUZZ_SECONDS (default 20), FUZZ_SEED.

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 20);
let state = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const seed = state;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Numerical Recipes' generator: the same seed damages the same bytes. */
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

function pick<T>(items: readonly T[]): T {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function damageBytes(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(Math.max(1, copy.length));
    if (random(4) === 0) return copy.slice(0, at);
    copy[at] = random(256);
  }
  return copy;
}

function damageText(text: string): string {
  const at = random(text.length + 1);
  return pick([
    () => text.slice(0, at) + String.fromCharCode(random(0xffff)) + text.slice(at + 1),
    () => text.slice(0, at),
    () => `${text}${text}`,
    () => text.replaceAll("a", "b"),
    () => "{}",
  ])();
}

function damage(answer: Answer): Answer {
  if (!answer.ok || !("candidates" in answer.value)) return answer;
  const candidates = answer.value.candidates.flatMap((candidate) => {
    if (random(3) === 0) return [candidate, candidate];
    if (candidate.kind === "bundle") return [{ ...candidate, bytes: damageBytes(candidate.bytes) }];
    if (candidate.kind === "unreadable") return [candidate];
    const annotations = Object.fromEntries(
      Object.entries(candidate.annotations).map(([key, value]) => [
        key,
        random(2) === 0 ? value : damageText(value),
      ]),
    );
    const payload = random(2) === 0 ? candidate.payload : damageBytes(candidate.payload);
    return [{ ...candidate, annotations, payload }];
  });
  return { ...answer, value: { ...answer.value, candidates } };
}

const { cases }: { cases: readonly { policy: string; resource: string }[] } = JSON.parse(
  fixture("cases.json"),
);
const trustedRoot = fixture("trust/trusted_root.json");
const end = Date.now() + seconds * 1000;
let judged = 0;
while (Date.now() < end) {
  const { policy, resource } = pick(cases);
  const one = JSON.parse(fixture(`resources/${resource}.yaml`));
  const { image } = one.spec.containers[0];
  try {
    const { policies } = loadPolicies({ text: fixture(`policies/${policy}.yaml`), file: policy });
    const evaluate = (edit: boolean) =>
      createEngine({
        policies,
        clock: () => noon,
        sources: fixtureSources({
          trustedRoot,
          ...(edit ? { edit: (_lookup, answer) => damage(answer) } : {}),
        }),
      }).evaluate({ resource: pod(image) });
    const whole = (await evaluate(false)).verdict;
    const damaged = (await evaluate(true)).verdict;
    explain(damaged);
    toSarif([{ verdict: damaged }], "0");
    toJUnit([{ verdict: damaged }]);
    // "All statements hold" is about those that are there: who can damage one can as well remove it.
    const byStatements = whole.results.some(({ code }) => code.startsWith("condition") || code === "denied");
    if (damaged.allowed && !whole.allowed && !byStatements) throw new Error("damaged evidence was allowed");
    judged++;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "invalidPolicy") continue;
    say(
      `FINDING seed ${seed}, ${policy} on ${image}: ${error instanceof Error ? error.stack : String(error)}`,
    );
    process.exitCode = 1;
    break;
  }
}
say(`${judged} damaged images judged in ${seconds} s, seed ${seed}`);
