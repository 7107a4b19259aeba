import type { Verdict } from "@assay/engine";
import { checkOneOf, TestkitError } from "./testkit-error.ts";

/** What a matcher found; `message` says why it does not hold (or, negated, why it does). */
export interface MatchResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** What a denial must look like. Everything absent is not checked. */
export interface DenialExpectation {
  /** A code that one of the results must have. */
  readonly code?: string;
  /** Text, or a pattern for it, that one of the results' messages must contain. */
  readonly message?: string | RegExp;
}

/** Whether a verdict allows. Usable without any test runner: `assert(isAllowed(verdict).pass)`. */
export function isAllowed(verdict: Verdict): MatchResult {
  demandVerdict(verdict);
  return {
    pass: verdict.allowed,
    message: () =>
      `expected \`${verdict.resource.name}\` to be ${verdict.allowed ? "denied" : "allowed"}\n${reasons(verdict)}`,
  };
}

/** Whether a verdict denies, for the reason given. */
export function isDenied(verdict: Verdict, expected: DenialExpectation = {}): MatchResult {
  demandVerdict(verdict);
  demandExpectation(expected);
  const found = verdict.results.some((result) => result.outcome !== "pass" && fits(result, expected));
  const pass = !verdict.allowed && (found || (expected.code === undefined && expected.message === undefined));
  const wanted = [
    ...(expected.code === undefined ? [] : [`code \`${expected.code}\``]),
    ...(expected.message === undefined ? [] : [`message \`${String(expected.message)}\``]),
  ];
  const how = wanted.length === 0 ? "" : ` with ${wanted.join(" and ")}`;
  return {
    pass,
    message: () =>
      `expected \`${verdict.resource.name}\` ${pass ? "not " : ""}to be denied${how}\n${reasons(verdict)}`,
  };
}

/** A forgotten `await` is the commonest mistake of tests. */
function demandVerdict(given: unknown): void {
  const isObject = typeof given === "object" && given !== null;
  if (isObject && "allowed" in given && "results" in given) {
    // A text `false` would be taken for true.
    if (typeof given.allowed === "boolean" && Array.isArray(given.results)) return;
  }
  if (given instanceof Promise)
    throw new TestkitError("badOption", "this is a promise of a verdict: await it");
  const inside = isObject && "verdict" in given ? ", but has one: give its `verdict`" : "";
  throw new TestkitError("badOption", `this is no verdict${inside}`);
}

/** What got lost on the way to an expectation would make it one of any denial. */
function demandExpectation(given: unknown): void {
  if (typeof given !== "object" || Object.prototype.toString.call(given) !== "[object Object]")
    throw new TestkitError("badOption", "the expectation of a denial is no object with `code` or `message`");
  for (const [name, value] of Object.entries(given as object)) {
    checkOneOf(["code", "message"], name, "expectation of a denial");
    if (typeof value === "string" && value !== "") continue;
    if (name === "message" && value instanceof RegExp) continue;
    const wanted = name === "code" ? "text" : "text or a pattern";
    throw new TestkitError("badOption", `the expected \`${name}\` is no ${wanted}: leave it out for any`);
  }
}

function fits(result: Verdict["results"][number], { code, message }: DenialExpectation): boolean {
  const text =
    message === undefined ||
    // Not `test`, which goes on where a global pattern matched last.
    (typeof message === "string" ? result.message.includes(message) : result.message.search(message) >= 0);
  return text && (code === undefined || result.code === code);
}

function reasons(verdict: Verdict): string {
  const lines = verdict.results.map(
    ({ outcome, code, policy, rule, image, message }) =>
      `  ${outcome} ${code}: ${policy}/${rule}${image === undefined ? "" : ` ${image}`}: ${message}`,
  );
  return [`it was ${verdict.allowed ? "allowed" : "denied"} (${verdict.outcome})`, ...lines].join("\n");
}
