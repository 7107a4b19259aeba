import type { EngineLimits, EngineOptions } from "./engine.ts";
import { EngineError } from "./engine-error.ts";

const choices = {
  signaturePredicateTypes: ["cosign-sign", "any"],
  logLookup: ["never", "whenMissing"],
} as const;

/** A count is at least one: with none the work would not be done, or never end. */
const counts: readonly (keyof EngineLimits)[] = ["concurrency", "maxPrepared", "maxFactBytes"];
const amounts: readonly (keyof EngineLimits)[] = ["maxLookups", "largeEvidenceBytes", "factTtlMilliseconds"];

/** Throws `EngineError` `misuse` for an option that is none: one that is spelt otherwise would mean something else. */
export function checkOptions(options: EngineOptions): void {
  for (const [name, known] of Object.entries(choices)) {
    const value: unknown = options[name as keyof typeof choices];
    if (value === undefined || known.some((one) => one === value)) continue;
    throw new EngineError("misuse", `\`${name}\` is none of ${known.join(", ")}`);
  }
  const limits = options.limits ?? {};
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
