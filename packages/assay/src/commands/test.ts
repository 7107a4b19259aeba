import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type Command, Option } from "commander";
import { AssayError } from "../assay-error.ts";
import { addLogFlag, addOutputFlag, addSourceFlags, collect, parseTime } from "../flags/evaluation-flags.ts";
import type { TestFlags } from "../policy-test/run-test-file.ts";
import type { TestRow } from "../policy-test/test-row.ts";
import { type CommandContext, describeError, exitCode } from "../terminal/command-line.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags extends TestFlags {
  readonly output: "text" | "json" | "junit";
  readonly fileName: string;
  readonly failOnly?: boolean;
  readonly watch?: boolean;
}

/** `assay test PATH…`: Kyverno's test files, with images from a layout or a registry. */
export function addTestCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("test")
    .description("run policy tests (kyverno-test.yaml)")
    .argument("[path...]", "test files, or directories that are searched for them", ["."])
    .option("-f, --file-name <name>", "name of test files in directories", "kyverno-test.yaml")
    .option("--fail-only", "print failed tests only")
    .option("-w, --watch", "run again when a file that the tests read changes")
    .option("--var <name=value>", "value for a {{ variable }} of the policies; repeatable", collect, [])
    .addOption(new Option("--now <rfc3339>", "judge as of this time").argParser(parseTime));
  addSourceFlags(command);
  addLogFlag(command);
  addOutputFlag(command, ["text", "json", "junit"]);
  command.addHelpText("after", EXAMPLES).action(async (paths: readonly string[], flags: Flags) => {
    const rows = await runAll(paths, flags, terminal);
    if (flags.watch === true) await watchAll(paths, flags, terminal);
    else if (rows.some((row) => !row.passed)) finish(exitCode.denied);
  });
}

async function runAll(
  paths: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<readonly TestRow[]> {
  const { runTestFile } = await import("../policy-test/run-test-file.ts");
  const rows: TestRow[] = [];
  for (const file of await testFiles(paths, flags, terminal))
    rows.push(...(await runTestFile(file, flags, terminal)));
  await print(rows, flags, terminal);
  return rows;
}

/** Files as they are; in directories those of the right name. */
async function testFiles(
  paths: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<readonly string[]> {
  const { readInputFiles } = await import("../inputs/input-files.ts");
  const found: string[] = [];
  for (const path of paths) {
    const isDirectory = await stat(resolve(terminal.cwd, path)).then(
      (info) => info.isDirectory(),
      () => false,
    );
    const pattern = isDirectory ? `${path.replace(/\/+$/, "")}/**/${flags.fileName}` : path;
    const files = await readInputFiles([pattern], terminal).catch((error: unknown) => {
      if (!isDirectory || !(error instanceof AssayError)) throw error;
      throw new AssayError("fileNotFound", `there is no \`${flags.fileName}\` in \`${path}\``, {
        hint: "--file-name takes another name",
      });
    });
    found.push(
      ...files.map(({ file }) => file).filter((file) => !isDirectory || basename(file) === flags.fileName),
    );
  }
  return found;
}

async function print(rows: readonly TestRow[], flags: Flags, terminal: Terminal): Promise<void> {
  const { testJUnit, testTable } = await import("../policy-test/test-table.ts");
  const failed = rows.filter((row) => !row.passed);
  switch (flags.output) {
    case "json":
      terminal.out(
        `${JSON.stringify({ passed: rows.length - failed.length, failed: failed.length, tests: rows }, null, 2)}\n`,
      );
      return;
    case "junit":
      terminal.out(testJUnit(rows));
      return;
    case "text": {
      const shown = flags.failOnly === true ? failed : rows;
      if (shown.length > 0) terminal.out(testTable(shown, terminal.color));
      terminal.out(
        `\nTest Summary: ${rows.length - failed.length} tests passed and ${failed.length} tests failed\n`,
      );
    }
  }
}

/**
 * Runs again a moment after the last change of anything that the tests read, until interrupted. A broken file is reported,
 * and waited for.
 */
async function watchAll(paths: readonly string[], flags: Flags, terminal: Terminal): Promise<void> {
  const { signal, cwd } = terminal;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const watched = new Set<string>();
  const watchPlaces = async (): Promise<void> => {
    const { watchedPlaces } = await import("../policy-test/watched-places.ts");
    const files = await testFiles(paths, flags, terminal).catch(() => []);
    for (const [place, recursive] of await watchedPlaces(paths, files, cwd)) {
      if (watched.has(place) || signal.aborted) continue;
      try {
        watch(place, { recursive, signal }, again).on("error", () => watched.delete(place));
        watched.add(place);
      } catch {
        // It is not there (yet): looked for again after the next run.
      }
    }
  };
  const runAgain = async (): Promise<void> => {
    await runAll(paths, flags, terminal).catch(async (error: unknown) =>
      terminal.err(await describeError(error)),
    );
    // Tests may name other files now.
    await watchPlaces();
  };
  const again = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(runAgain);
    }, 100);
  };
  await watchPlaces();
  terminal.err("watching for changes; Ctrl-C ends\n");
  await new Promise<void>((done) => signal.addEventListener("abort", () => done(), { once: true }));
  clearTimeout(timer);
  await running;
}

const EXAMPLES = `
A test file may name its images in annotations of its metadata, which Kyverno ignores:
  assay.dev/layout: ./images                  an OCI layout instead of registries
  assay.dev/trusted-root: ./trusted_root.json
  assay.dev/now: 2026-11-23T12:00:00Z         the time to judge at

Exit status: 0 all passed, 1 some failed, 2 wrong usage or a broken test file.

Examples:
  assay test .
  assay test policies/ --watch
  assay test policies/image/kyverno-test.yaml --layout ./images --output junit > report.xml`;
