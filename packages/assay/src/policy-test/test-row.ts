import type { Result, Verdict } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import { resourceName } from "../terminal/decision.ts";
import type { Expectation, ExpectedResult } from "./test-file.ts";

/** One line of a test's table. */
export interface TestRow {
  readonly test: string;
  readonly policy: string;
  readonly rule: string;
  readonly resource: string;
  readonly expected: ExpectedResult;
  /** What came of it; `none`: the rule said nothing of this resource, `missing`: there is no such resource. */
  readonly received: ExpectedResult | "none" | "missing";
  readonly passed: boolean;
  readonly reason: string;
}

/** A resource of the test with what was judged of it. */
export interface Judged {
  readonly verdict: Verdict;
  /** The resource with its images pinned. */
  readonly patched: JsonObject;
}

/** What a rule came to: the worst of what it says of each image. */
const WORST: readonly ExpectedResult[] = ["error", "fail", "warn", "pass", "skip"];

/**
 * Compares what was expected with what was judged. Stricter than Kyverno, whose runner calls a rule that said nothing
 * of a resource a pass ("Excluded"): here only `skip` may be expected of it, so a misspelt rule name cannot hide.
 */
export function rowsOf(
  test: string,
  expectation: Expectation,
  judged: readonly Judged[],
): readonly TestRow[] {
  return expectation.resources.map((name) => {
    const found = judged.filter(({ verdict }) => isNamed(verdict, name, expectation.kind));
    const base = {
      test,
      policy: expectation.policy,
      rule: expectation.rule ?? "*",
      resource: found[0] === undefined ? name : resourceName(found[0].verdict.resource),
      expected: expectation.result,
    };
    if (found.length === 0)
      return { ...base, received: "missing", passed: false, reason: "no such resource" };
    const results = found.flatMap(({ verdict }) =>
      verdict.results.filter((result) => concerns(result, expectation)),
    );
    const received = outcomeOf(results);
    const passed = received === expectation.result || (received === "none" && expectation.result === "skip");
    return { ...base, received, passed, reason: passed ? "Ok" : reasonOf(expectation, received, results) };
  });
}

function outcomeOf(results: readonly Result[]): TestRow["received"] {
  const outcomes = new Set<string>(results.map((result) => result.outcome));
  return WORST.find((outcome) => outcomes.has(outcome)) ?? "none";
}

function reasonOf(
  expectation: Expectation,
  received: TestRow["received"],
  results: readonly Result[],
): string {
  const want = `Want ${expectation.result}, got ${received}`;
  if (received === "none") {
    return `${want}: the policy has no such rule, or it does not match this resource`;
  }
  const because = results.find((result) => result.outcome === received);
  return because === undefined ? want : `${want}: ${because.message}`;
}

/** Rules generated for Pod controllers answer to the name of the rule they come from. */
function concerns(result: Result, { policy, rule }: Expectation): boolean {
  const named = result.policy === policy || result.policy.endsWith(`/${policy}`);
  if (!named) return false;
  return (
    rule === undefined ||
    result.rule === rule ||
    result.rule === `autogen-${rule}` ||
    result.rule === `autogen-cronjob-${rule}`
  );
}

function isNamed({ resource }: Verdict, name: string, kind: string | undefined): boolean {
  if (kind !== undefined && kind.split("/").at(-1) !== resource.kind) return false;
  const slash = name.lastIndexOf("/");
  if (slash < 0) return resource.name === name;
  const namespace = name.slice(0, slash).split("/").at(-1);
  return resource.name === name.slice(slash + 1) && (resource.namespace ?? "default") === namespace;
}
