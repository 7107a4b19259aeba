import {
  amount,
  type Check,
  callable,
  checkOptions,
  count,
  isAmount,
  isObject,
  list,
  object,
} from "../check-options.ts";
import { limitsOf } from "../oci/limits.ts";
import type { RegistryOptions } from "./registry-options.ts";

/** Limits by their names. */
export const someLimits: Check = [
  (value) =>
    isObject(value) &&
    Object.entries(value).every(([name, limit]) => Object.hasOwn(limitsOf(), name) && isAmount(limit ?? 0)),
  `an object of numbers (${Object.keys(limitsOf()).join(", ")})`,
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
  limits: someLimits,
  cache: object,
  concurrency: count,
  timeoutMs: amount,
  retry: object,
  onRequest: callable,
  resolve: callable,
  clock: object,
};

/** Throws `SourceError` `misuse` for an option that does not exist or is not what its type says. */
export function checkRegistryOptions(options: RegistryOptions): void {
  checkOptions(options, known);
}
