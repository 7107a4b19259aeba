/**
 * Mutation check: every guard of the kernel is switched off in turn, and the tests that depend on it must fail.
 *
 * A guard is an `if` under a comment `guard: NAME`. Nothing in the shipped code can switch it off: the switch is put
 * into the text of the source while vitest loads it. `guards.json` lists, per guard, the tests that depend on it.
 *
 *   node scripts/mutate-guards.ts            each guard's tests fail without it, and each guard is listed
 *   node scripts/mutate-guards.ts --write    runs every test against every guard, and writes guards.json
 *   … NAME…                                  only these guards
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createVitest, type TestCase, type Vitest } from "vitest/node";

interface Guard {
  readonly name: string;
  readonly file: string;
}

interface GuardTests extends Guard {
  /** Full names of tests that fail without the guard; a number stands for the abuse case of that number. */
  readonly tests: readonly string[];
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

function findGuards(): readonly Guard[] {
  const files = readdirSync(`${packageRoot}src`).filter((file) => /(?<!\.test)\.ts$/.test(file));
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

/** The source with a switch in front of each check. */
function withSwitches(code: string): string {
  return code.replace(
    marker,
    (_, name: string, indent: string) =>
      `${indent}if (globalThis.switchedOffGuard === "${name}") {} else if (`,
  );
}

async function startTests(): Promise<Vitest> {
  const plugin = {
    name: "guard-switches",
    enforce: "pre" as const,
    transform: (code: string, id: string) =>
      id.startsWith(`${packageRoot}src/`) ? withSwitches(code) : undefined,
  };
  const options = {
    config: false as const,
    root: repository,
    include: suites,
    setupFiles: [`${packageRoot}scripts/guard-switch.ts`],
    watch: false,
    isolate: false,
    fsModuleCache: false,
    reporters: [{}],
    provide: { guard: "" },
  };
  const vite = { plugins: [plugin], resolve: { conditions }, ssr: { resolve: { conditions } } };
  return await createVitest("test", options, vite);
}

/** Runs tests with the guard switched off; returns the names of those that fail, and how many ran. */
async function failuresWithout(
  vitest: Vitest,
  guard: string,
  names: readonly string[],
): Promise<{ readonly failed: readonly string[]; readonly ran: number }> {
  vitest.getRootProject().provide("guard", guard);
  if (names.length === 0) vitest.resetGlobalTestNamePattern();
  else vitest.setGlobalTestNamePattern(new RegExp(names.map(toPattern).join("|")));
  const specifications = await vitest.globTestSpecifications();
  const { testModules } = await vitest.rerunTestSpecifications(specifications, true);
  process.exitCode = 0;
  const broken = testModules.find((module) => module.errors().length > 0);
  if (broken !== undefined) {
    throw new Error(`${guard}: ${broken.moduleId}: ${broken.errors()[0]?.message ?? "cannot be loaded"}`);
  }
  const ran = testModules.flatMap((module) => [...module.children.allTests()]).filter(hasRun);
  return { failed: ran.filter(isFailed).map(({ fullName }) => fullName), ran: ran.length };
}

function hasRun(test: TestCase): boolean {
  return test.result().state !== "skipped";
}

function isFailed(test: TestCase): boolean {
  return test.result().state === "failed";
}

function toPattern(name: string): string {
  return /^\d+$/.test(name) ? `(?:^|\\s)${name} ` : name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function readTable(): readonly GuardTests[] {
  return JSON.parse(readFileSync(table, "utf8")) as readonly GuardTests[];
}

async function write(vitest: Vitest, guards: readonly Guard[]): Promise<number> {
  const { failed: red } = await failuresWithout(vitest, "none", []);
  if (red.length > 0) throw new Error(`tests fail with every guard on: ${red.join(", ")}`);
  const rows: GuardTests[] = [];
  for (const guard of guards) {
    const { failed } = await failuresWithout(vitest, guard.name, []);
    process.stdout.write(`${guard.name}: ${failed.length} tests depend on it\n`);
    rows.push({ ...guard, tests: failed.slice(0, written) });
  }
  writeFileSync(table, `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`);
  return rows.filter(({ tests }) => tests.length === 0).length;
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
    const { failed, ran } = await failuresWithout(vitest, row.name, row.tests);
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
