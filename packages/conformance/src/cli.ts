import { parseArgs } from "node:util";
import type { CaseResult } from "./case-result.ts";
import { report } from "./report.ts";
import { runTable } from "./run-tables.ts";
import { loadTables } from "./table-file.ts";

const USAGE =
  "usage: npm run -s conformance -- [--tables DIR] [--fixtures DIR] [--bundles DIR] [--only ID_PREFIX]";

/** Runs the cases of any directories of the form that `cases/` has. Exit code 0 only if none failed. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tables: { type: "string", multiple: true },
      fixtures: { type: "string", multiple: true },
      bundles: { type: "string", multiple: true },
      only: { type: "string" },
    },
  });
  const cases = new URL("../cases/", import.meta.url).pathname;
  const asked = values.tables ?? values.fixtures ?? values.bundles;
  const tables = values.tables ?? (asked ? [] : [`${cases}kyverno`, `${cases}jmespath`]);
  const results: CaseResult[] = [];
  for (const directory of tables) results.push(...runTables(directory, values.only));
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
