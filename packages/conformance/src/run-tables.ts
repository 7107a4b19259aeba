import type { CaseResult } from "./case-result.ts";
import {
  describeExpectation,
  describeReceived,
  type Expectation,
  expectationOf,
  meets,
} from "./expectation.ts";
import { knownDifferences, recognise } from "./known-differences.ts";
import type { Received, TableCase } from "./table-case.ts";
import type { TableFile } from "./table-file.ts";
import { answers } from "./tables/answers.ts";

/** No case may take longer: what makes Kyverno hang must not make assay hang. */
const LIMIT_MS = 2_000;

/** Asks every case of a table. `only`: a prefix of the case's id, or the name of its function. */
export function runTable(table: TableFile, only?: string): readonly CaseResult[] {
  return table.cases
    .flatMap(withStandardMode)
    .filter((asked) => only === undefined || asked.id.startsWith(only) || asked.fn === only)
    .map((asked) => runCase(table.name, asked));
}

/** Where the official suite's answer is recorded beside Kyverno's, the case is asked in both modes. */
function withStandardMode(asked: TableCase): readonly TableCase[] {
  if (asked["official"] === undefined) return [asked];
  return [asked, { ...asked, id: `${asked.id}:standard`, fn: "standardSearch", want: asked["official"] }];
}

function runCase(group: string, asked: TableCase): CaseResult {
  const expected = expectationOf(asked);
  const began = performance.now();
  const received = answer(asked);
  const took = performance.now() - began;
  const shown = { id: asked.id, group, expected: describeExpectation(expected) };
  if ("crash" in received) return { ...shown, outcome: "failed", received: `crashed: ${received.crash}` };
  const found = { ...shown, received: describeReceived(received) };
  if (took > LIMIT_MS) return { ...found, outcome: "failed", received: `an answer after ${took | 0} ms` };
  return { ...found, ...verdictOn(asked, received, expected) };
}

function verdictOn(
  asked: TableCase,
  received: Received,
  expected: Expectation,
): Pick<CaseResult, "outcome" | "rule"> & { readonly received?: string } {
  const listed = knownDifferences.find(({ ids }) => ids.includes(asked.id));
  if (meets(received, expected)) {
    if (listed === undefined) return { outcome: "passed" };
    return {
      outcome: "failed",
      received: `the wanted answer, but known-differences.json lists the case under \`${listed.rule}\`: take it off`,
    };
  }
  const rule = ruleFor(asked, received);
  return rule === undefined ? { outcome: "failed" } : { outcome: "known", rule };
}

/** A rule that cannot read the case does not explain it. */
function ruleFor(asked: TableCase, received: Received): string | undefined {
  try {
    return recognise(asked, received)?.rule;
  } catch {
    return undefined;
  }
}

function answer(asked: TableCase): Received | { readonly crash: string } {
  const ask = Object.hasOwn(answers, asked.fn) ? answers[asked.fn] : undefined;
  if (ask === undefined) return { crash: `nothing answers \`${asked.fn}\`` };
  const sdk = asked["sdk"] as { readonly now?: string } | undefined;
  try {
    return ask(sdk?.now === undefined ? asked : { ...asked, now: sdk.now });
  } catch (error) {
    return { crash: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
