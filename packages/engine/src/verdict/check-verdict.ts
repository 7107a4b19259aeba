import { EngineError } from "../engine-error.ts";
import { isObject } from "../is-object.ts";
import { codes } from "./codes.ts";

const outcomes: readonly unknown[] = ["pass", "fail", "error", "skip"];

/** Deeper than any trace of ours. */
const maxDepth = 100;

/**
 * Throws `EngineError` `misuse` for what is no verdict, as far as printing one needs it: programs without types, and files
 * that were not written by us, come here.
 */
export function checkVerdict(given: unknown): void {
  if (!isObject(given)) throw refused("the verdict is not an object");
  const { resource } = given;
  if (!isObject(resource)) {
    const hint = "verdict" in given ? ": give its `verdict`" : "";
    throw refused(`\`resource\` is not an object${hint}`);
  }
  for (const name of ["kind", "name"]) checkText(resource[name], `resource.${name}`);
  if (resource["namespace"] !== undefined) checkText(resource["namespace"], "resource.namespace");
  if (typeof given["allowed"] !== "boolean") throw refused("`allowed` is not true or false");
  checkOutcome(given["outcome"], "outcome");
  checkList(given["results"], "results", checkResult);
  checkList(given["patches"], "patches", (patch, path) =>
    checkText(objectAt(patch, path)["path"], `${path}.path`),
  );
  checkList(given["warnings"], "warnings", checkText);
  checkList(given["trace"], "trace", (step, path) => checkStep(step, path, 1));
}

function checkResult(given: unknown, path: string): void {
  const result = objectAt(given, path);
  checkOutcome(result["outcome"], `${path}.outcome`);
  checkCode(result["code"], `${path}.code`);
  for (const name of ["policy", "rule", "message"]) checkText(result[name], `${path}.${name}`);
}

function checkStep(given: unknown, path: string, depth: number): void {
  const step = objectAt(given, path);
  if (depth > maxDepth) throw refused(`\`trace\` is nested deeper than ${maxDepth} steps`);
  checkOutcome(step["outcome"], `${path}.outcome`);
  checkCode(step["code"], `${path}.code`);
  for (const name of ["step", "path", "message"]) checkText(step[name], `${path}.${name}`);
  if (step["source"] !== undefined) {
    const source = objectAt(step["source"], `${path}.source`);
    checkText(source["file"], `${path}.source.file`);
  }
  if (step["facts"] !== undefined) checkFacts(objectAt(step["facts"], `${path}.facts`), `${path}.facts`);
  checkList(step["children"], `${path}.children`, (child, at) => checkStep(child, at, depth + 1));
}

function checkFacts(facts: Readonly<Record<string, unknown>>, path: string): void {
  for (const [name, fact] of Object.entries(facts)) {
    if (fact === null || (typeof fact === "object" && !Array.isArray(fact))) {
      throw refused(`\`${path}.${name}\` is neither a value nor a list`);
    }
  }
}

function checkList(value: unknown, path: string, check: (item: unknown, path: string) => void): void {
  if (!Array.isArray(value)) throw refused(`\`${path}\` is not a list`);
  for (const [i, item] of value.entries()) check(item, `${path}[${i}]`);
}

function objectAt(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw refused(`\`${path}\` is not an object`);
  return value;
}

function checkText(value: unknown, path: string): void {
  if (typeof value !== "string") throw refused(`\`${path}\` is not text`);
}

function checkOutcome(value: unknown, path: string): void {
  if (!outcomes.includes(value)) throw refused(`\`${path}\` is none of ${outcomes.join(", ")}`);
}

function checkCode(value: unknown, path: string): void {
  if (typeof value !== "string" || !Object.hasOwn(codes, value)) throw refused(`\`${path}\` is none of ours`);
}

function refused(problem: string): EngineError {
  return new EngineError("misuse", `this is no verdict: ${problem}`);
}
