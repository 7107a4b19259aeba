/**
 * Mutation check: every guard of the kernel is switched off in turn, and the tests that depend on it must fail.
 *
 * A guard is an `if` under a comment `guard: NAME`. Nothing in the shipped code can switch it off: the switch is put
 * into the text of the source while vitest loads it. `guards.json` lists, per guard, the tests that depend on it.
 *
 *   node scripts/mutate-guards.ts            each guard's tests fail without it, and each guard is listed
 *   node scripts/mutate-guards.ts --write    finds the tests that each guard stops, tries them, and writes guards.json
 *   … NAME…                                  only these guards; --write keeps the rows of the others
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { createVitest, type TestCase, type Vitest } from "vitest/node";

interface Guard {
  readonly name: string;
  readonly file: string;
}

type DependentTest = readonly [file: string, name: string];

interface GuardTests extends Guard {
  /** Tests that fail without the guard: file, and full name. */
  readonly tests: readonly DependentTest[];
}

const packageRoot = fileURLToPath(new URL("..", import.meta.url));
const repository = fileURLToPath(new URL("../../..", import.meta.url));
const table = `${packageRoot}guards.json`;
/** Folders of tests that guards may name. */
const suites = [
  "packages/verify/{test,src}/**/*.test.ts",
  "packages/conformance/{test,src}/abuse/**/*.test.ts",
];
const conditions = ["assay:source", "module", "node", "development|production"];
const marker = /^[ \t]*\/\/ guard: (\S+)\n([ \t]*)if \(/gm;
const written = 6;
/**
 * So many tests in which a guard's condition holds are tried without it: those first that expect a refusal, among them
 * those in which the fewest other conditions hold.
 */
const tried = 64;

function findGuards(): readonly Guard[] {
  const files = readdirSync(`${packageRoot}src`, { encoding: "utf8", recursive: true })
    .filter((file) => /(?<!\.test)\.ts$/.test(file))
    .toSorted();
  const guards = files.flatMap((file) =>
    [...readFileSync(`${packageRoot}src/${file}`, "utf8").matchAll(marker)].map((found) => ({
      name: found[1] ?? "",
      file,
    })),
  );
  const names = guards.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`two guards are called ${twice}`);
  return guards;
}

/** The source with a switch in front of each check, and a note of where its condition holds. */
function withSwitches(file: string, code: string): string {
  const ends = new Map<number, number>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("type" in node && node.type === "IfStatement" && "test" in node) {
      const { start, end } = node.test as { readonly start: number; readonly end: number };
      ends.set(start, end);
    }
    Object.values(node).forEach(visit);
  };
  visit(parseSync(file, code).program);
  let out = "";
  let copied = 0;
  for (const found of code.matchAll(marker)) {
    const start = found.index + found[0].length;
    const end = ends.get(start);
    if (end === undefined) throw new Error(`${file}: guard ${found[1]} has no condition that can be read`);
    const name = JSON.stringify(found[1]);
    out += `${code.slice(copied, found.index)}${found[2]}if (globalThis.switchedOffGuard === ${name}) {} else if (`;
    out += `globalThis.guardHolds(${name}, (${code.slice(start, end)}))`;
    copied = end;
  }
  return out + code.slice(copied);
}

const nothing: { readonly failed: readonly DependentTest[]; readonly ran: number } = { failed: [], ran: 0 };

async function startTests(): Promise<Vitest> {
  const plugin = {
    name: "guard-switches",
    enforce: "pre" as const,
    transform: (code: string, id: string) =>
      id.startsWith(`${packageRoot}src/`) ? withSwitches(id, code) : undefined,
  };
  const options = {
    config: false as const,
    root: repository,
    include: suites,
    setupFiles: [`${packageRoot}scripts/guard-switch.ts`],
    watch: false,
    isolate: false,
    testTimeout: 60_000,
    fsModuleCache: false,
    reporters: [{}],
    provide: { guard: "", notes: "" },
  };
  const vite = { plugins: [plugin], resolve: { conditions }, ssr: { resolve: { conditions } } };
  return await createVitest("test", options, vite);
}

/** Runs tests (all, or those given) with the guard switched off; returns those that fail, and how many ran. */
async function failuresWithout(
  vitest: Vitest,
  guard: string,
  tests: readonly DependentTest[],
): Promise<{ readonly failed: readonly DependentTest[]; readonly ran: number }> {
  vitest.getRootProject().provide("guard", guard);
  if (tests.length === 0) vitest.resetGlobalTestNamePattern();
  else vitest.setGlobalTestNamePattern(new RegExp(tests.map(([, name]) => toPattern(name)).join("|")));
  const every = await vitest.globTestSpecifications();
  const chosen = every.filter(
    ({ moduleId }) => tests.length === 0 || tests.some(([file]) => moduleId.endsWith(`/${file}`)),
  );
  const run = await vitest.rerunTestSpecifications(chosen, tests.length === 0);
  const testModules = run.testModules.filter(({ moduleId }) =>
    chosen.some((one) => one.moduleId === moduleId),
  );
  process.exitCode = 0;
  const broken = testModules.find((module) => module.errors().length > 0);
  if (broken !== undefined) {
    throw new Error(`${guard}: ${broken.moduleId}: ${broken.errors()[0]?.message ?? "cannot be loaded"}`);
  }
  const ran = testModules.flatMap((module) => [...module.children.allTests()]).filter(hasRun);
  const failed = ran.filter(isFailed).map((test): DependentTest => [fileOf(test), test.fullName]);
  return { failed, ran: ran.length };
}

function fileOf(test: TestCase): string {
  return test.module.moduleId.slice(repository.length);
}

function hasRun(test: TestCase): boolean {
  return test.result().state !== "skipped";
}

function isFailed(test: TestCase): boolean {
  return test.result().state === "failed";
}

function toPattern(name: string): string {
  const escaped = name.split(" > ").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // Vitest joins the names of suites by a space when it matches, by ` > ` when it tells.
  return `^${escaped.join("(?: > | )")}$`;
}

function readTable(): readonly GuardTests[] {
  return JSON.parse(readFileSync(table, "utf8")) as readonly GuardTests[];
}

/** Per guard, the tests in which it refuses something: those first in which the fewest other guards do. */
async function findStopped(vitest: Vitest): Promise<ReadonlyMap<string, readonly DependentTest[]>> {
  const directory = mkdtempSync(join(tmpdir(), "guards-"));
  const notes = join(directory, "notes");
  writeFileSync(notes, "");
  vitest.getRootProject().provide("notes", notes);
  const { failed: red } = await failuresWithout(vitest, "none", []);
  vitest.getRootProject().provide("notes", "");
  const lines = readFileSync(notes, "utf8").split("\n").filter(Boolean);
  rmSync(directory, { recursive: true });
  if (red.length > 0)
    throw new Error(`tests fail with every guard on: ${red.map(([, name]) => name).join(", ")}`);
  const byTest = lines.map((line) => JSON.parse(line) as { file: string; name: string; guards: string[] });
  const stopped = new Map<string, DependentTest[]>();
  const refusals = ({ name }: { readonly name: string }): number => Number(/: (?:denied|error)$/.test(name));
  byTest.sort((a, b) => refusals(b) - refusals(a) || a.guards.length - b.guards.length);
  for (const { file, name, guards } of byTest) {
    for (const guard of guards) {
      const known = stopped.get(guard) ?? [];
      stopped.set(guard, [...known, [file.slice(repository.length), name]]);
    }
  }
  return stopped;
}

async function write(vitest: Vitest, guards: readonly Guard[]): Promise<number> {
  const stopped = await findStopped(vitest);
  const rows: GuardTests[] = [];
  for (const guard of guards) {
    const candidates = stopped.get(guard.name) ?? [];
    const likely = candidates.slice(0, tried);
    const few = likely.length === 0 ? nothing : await failuresWithout(vitest, guard.name, likely);
    // Where none of the likely ones fails, every test is asked.
    const { failed } = few.failed.length > 0 ? few : await failuresWithout(vitest, guard.name, []);
    process.stdout.write(
      `${guard.name}: refuses in ${candidates.length} tests, ${failed.length} that were run depend on it\n`,
    );
    rows.push({ ...guard, tests: spread(failed) });
  }
  const kept = existsSync(table)
    ? readTable().filter(({ name }) => !rows.some((row) => row.name === name))
    : [];
  const names = findGuards().map(({ name }) => name);
  const every = [...kept, ...rows]
    .filter(({ name }) => names.includes(name))
    .toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  writeFileSync(table, `[\n${every.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`);
  return rows.filter(({ tests }) => tests.length === 0).length;
}

/** A few of them, of as few files as possible: the check has to load each file. */
function spread(failed: readonly DependentTest[]): readonly DependentTest[] {
  const files = [...new Set(failed.map(([file]) => file))];
  const counts = new Map(files.map((file) => [file, failed.filter(([other]) => other === file).length]));
  const best = files.toSorted((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0)).slice(0, 1);
  return failed.filter(([file]) => best.includes(file)).slice(0, written);
}

async function check(vitest: Vitest, guards: readonly Guard[]): Promise<number> {
  const rows = readTable();
  const unlisted = guards.filter(({ name }) => !rows.some((row) => row.name === name));
  const gone = rows.filter(
    ({ name, file }) => !findGuards().some((guard) => guard.name === name && guard.file === file),
  );
  for (const { name } of unlisted) process.stdout.write(`${name}: not in guards.json\n`);
  for (const { name } of gone) process.stdout.write(`${name}: in guards.json, but not in the source\n`);
  let survivors = 0;
  for (const row of rows.filter(({ name }) => guards.some((guard) => guard.name === name))) {
    const { failed, ran } =
      row.tests.length === 0 ? nothing : await failuresWithout(vitest, row.name, row.tests);
    const alive = row.tests.length === 0 || failed.length < ran || ran < row.tests.length;
    if (alive) survivors++;
    process.stdout.write(
      `${alive ? "SURVIVED" : "ok"} ${row.name}: ${failed.length} of ${ran} tests fail without it\n`,
    );
  }
  process.stdout.write(`${rows.length} guards, ${survivors} survived\n`);
  return unlisted.length + gone.length + survivors;
}

const [mode, ...rest] = process.argv.slice(2);
const wanted = mode === "--write" || mode === undefined ? rest : [mode, ...rest];
const guards = findGuards().filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const vitest = await startTests();
const problems = await (mode === "--write" ? write(vitest, guards) : check(vitest, guards));
await vitest.close();
process.exit(problems === 0 ? 0 : 1);
