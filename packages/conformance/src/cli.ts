import { parseArgs } from "node:util";
import type { CaseResult } from "./case-result.ts";
import { report } from "./report.ts";
import { runTable } from "./run-tables.ts";
import { loadTables } from "./table-file.ts";

const USAGE = `usage: npm run -s conformance -- [--tables DIR] [--fixtures DIR [--live]] [--bundles DIR] [--only TEXT]
  without a directory: everything in packages/conformance/cases
  --live: fixtures are judged against whatever listens at 127.0.0.1:5001 and :5002
  --only: the cases whose id (tables: or function) begins with TEXT; fixtures and bundles: contains it`;
const CASES = new URL("../cases/", import.meta.url).pathname;

/** Runs the cases of any directories of the form that `cases/` has. Exit code 0 only if none failed. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tables: { type: "string", multiple: true },
      fixtures: { type: "string", multiple: true },
      bundles: { type: "string", multiple: true },
      only: { type: "string" },
      live: { type: "boolean" },
    },
  });
  const { only } = values;
  const given = values.tables ?? values.fixtures ?? values.bundles;
  const own = (...names: readonly string[]): readonly string[] =>
    given ? [] : names.map((name) => `${CASES}${name}`);
  const results: CaseResult[] = [];
  for (const directory of values.tables ?? own("kyverno", "jmespath"))
    results.push(...runTables(directory, only));
  for (const directory of values.fixtures ?? own("fixtures")) {
    const { loadFixtures, runFixtures } = await import("./run-fixtures.ts");
    const options = { live: values.live === true, ...(only === undefined ? {} : { only }) };
    results.push(...(await runFixtures(loadFixtures(directory), options)));
  }
  for (const directory of values.bundles ?? own("sigstore")) {
    const { runBundles } = await import("./run-bundles.ts");
    results.push(...(await runBundles(directory, only)));
  }
  print(report(results));
  return results.some(({ outcome }) => outcome === "failed") || results.length === 0 ? 1 : 0;
}

function runTables(directory: string, only: string | undefined): readonly CaseResult[] {
  return loadTables(directory).flatMap((table) => {
    if (table.skipped !== undefined) print(`not run: ${table.name}: ${table.skipped}`);
    return runTable(table, only);
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  return 2;
});
