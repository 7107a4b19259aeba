import { jsonProblem } from "@assay/policy";
import { EngineError } from "./engine-error.ts";
import type { EngineLimits, EngineOptions } from "./engine-options.ts";
import { isObject } from "./is-object.ts";

/** Every option: the compiler says which one is missing here. */
const options: Readonly<Record<keyof EngineOptions, true>> = {
  ...{ policies: true, exceptions: true, sources: true, clock: true, variables: true, limits: true },
  ...{ configMapNamespace: true, secretNamespace: true, trustRoot: true, defaultRegistry: true },
  ...{ signaturePredicateTypes: true, logLookup: true },
};

const limitNames: Readonly<Record<keyof EngineLimits, true>> = {
  ...{ concurrency: true, maxLookups: true, largeEvidenceBytes: true },
  ...{ maxPrepared: true, maxFactBytes: true, factTtlMilliseconds: true },
};

/** What `loadPolicies` returns may be spread among the options: these say nothing here. */
const loaded: readonly string[] = ["others", "diagnostics"];

const lists = ["policies", "exceptions"] as const;
const texts = ["configMapNamespace", "secretNamespace", "trustRoot", "defaultRegistry"] as const;

const choices = {
  signaturePredicateTypes: ["cosign-sign", "any"],
  logLookup: ["never", "whenMissing"],
} as const;

/** A count is at least one: with none the work would not be done, or never end. */
const counts: readonly (keyof EngineLimits)[] = ["concurrency", "maxPrepared", "maxFactBytes"];
const amounts: readonly (keyof EngineLimits)[] = ["maxLookups", "largeEvidenceBytes", "factTtlMilliseconds"];

/** Throws `EngineError` `misuse` for an option that is none: one that is spelt otherwise would mean something else. */
export function checkOptions(given: EngineOptions): void {
  if (!isObject(given)) throw new EngineError("misuse", "the options are no object");
  const named = Object.fromEntries(Object.entries(given).filter(([name]) => !loaded.includes(name)));
  checkNames(named, options, "");
  for (const name of lists) {
    // What was loaded is `{ policies, exceptions, … }`, and of a Map none would apply.
    if (Array.isArray(given[name] ?? (name === "policies" ? undefined : []))) continue;
    throw new EngineError("misuse", `\`${name}\` is no list: give \`loadPolicies(text).${name}\``);
  }
  for (const name of texts) {
    const value: unknown = given[name];
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    throw new EngineError("misuse", `\`${name}\` is no text, or an empty one`);
  }
  if (typeof given.clock !== "function") throw new EngineError("misuse", "`clock` is no function");
  checkVariables(given.variables);
  checkChoices(given);
  checkLimits(given.limits);
}

function checkNames(given: object, known: Readonly<Record<string, true>>, prefix: string): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    const message = `there is no option \`${prefix}${name}\`; known here: ${Object.keys(known).join(", ")}`;
    throw new EngineError("misuse", message);
  }
}

/** A Map has no variables, and an expression may do without one. */
function checkVariables(variables: unknown): void {
  if (variables === undefined) return;
  const problem = jsonProblem(variables);
  if (problem !== undefined) {
    const path = problem.path === "" ? "variables" : `variables.${problem.path}`;
    throw new EngineError("misuse", `\`${path}\` is ${problem.is}, which is no JSON`);
  }
  if (!isObject(variables)) throw new EngineError("misuse", "`variables` is no object");
}

function checkChoices(given: EngineOptions): void {
  for (const [name, known] of Object.entries(choices)) {
    const value: unknown = given[name as keyof typeof choices];
    if (value === undefined || known.some((one) => one === value)) continue;
    throw new EngineError("misuse", `\`${name}\` is none of ${known.join(", ")}`);
  }
}

function checkLimits(limits: EngineLimits = {}): void {
  const given: unknown = limits;
  if (!isObject(given)) throw new EngineError("misuse", "`limits` is no object");
  checkNames(limits, limitNames, "limits.");
  for (const name of counts) {
    const value = limits[name] ?? 1;
    if (Number.isInteger(value) && value >= 1) continue;
    throw new EngineError("misuse", `\`limits.${name}\` is not a whole number of at least 1`);
  }
  for (const name of amounts) {
    const value: unknown = limits[name] ?? 0;
    if (typeof value === "number" && value >= 0) continue;
    throw new EngineError("misuse", `\`limits.${name}\` is not a number of at least 0`);
  }
}

/** The time that a request is judged at. Throws for none: by a clock that tells no time nothing has ever expired. */
export function timeOf(clock: EngineOptions["clock"]): Date {
  const now = clock();
  if (now instanceof Date && !Number.isNaN(now.getTime())) return now;
  throw new EngineError("misuse", "`clock` gave no valid time");
}
