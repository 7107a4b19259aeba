import { limitsOf } from "../oci/limits.ts";
import { SourceError } from "../source-error.ts";
import type { RegistryOptions } from "./registry-options.ts";

type Check = readonly [holds: (value: unknown) => boolean, wanted: string];

const callable: Check = [(value) => typeof value === "function", "a function"];
const list: Check = [Array.isArray, "a list"];
const object: Check = [isObject, "an object"];
const amount: Check = [isAmount, "a number of at least 0"];
const count: Check = [
  (value) => Number.isInteger(value) && Number(value) > 0,
  "a whole number of at least 1",
];

const known: Readonly<Record<keyof RegistryOptions, Check>> = {
  fetch: callable,
  credentials: list,
  tokenHosts: [(value) => isObject(value) && Object.values(value).every(Array.isArray), "an object of lists"],
  insecureHosts: list,
  tlsHosts: list,
  allowPrivateHosts: list,
  mirrors: list,
  tagPrefix: [(value) => typeof value === "string", "text"],
  listingTtlMs: amount,
  limits: [
    (value) =>
      isObject(value) &&
      Object.entries(value).every(([name, limit]) => Object.hasOwn(limitsOf(), name) && isAmount(limit ?? 0)),
    `an object of numbers (${Object.keys(limitsOf()).join(", ")})`,
  ],
  cache: object,
  concurrency: count,
  timeoutMs: amount,
  retry: object,
  onRequest: callable,
  resolve: callable,
  clock: object,
};

/**
 * Throws `SourceError` `misuse` for an option that does not exist or is not what its type says: without its `fetch` other
 * registries are asked than were meant, and a limit that is no number limits nothing.
 */
export function checkRegistryOptions(options: RegistryOptions): void {
  if (!isObject(options)) throw misuse("the options are no object", "options");
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(known, name) ? known[name as keyof RegistryOptions] : undefined;
    if (check === undefined) {
      const message = `there is no option \`${name}\`; known here: ${Object.keys(known).join(", ")}`;
      throw misuse(message, name);
    }
    const [holds, wanted] = check;
    if (!holds(value)) throw misuse(`\`${name}\` is not ${wanted}`, name);
  }
}

function misuse(message: string, origin: string): SourceError {
  return new SourceError("misuse", message, { origin });
}

/** No list, and nothing that only looks like an object of options: a Map or a Promise has no fields. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Object]"
  );
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}
