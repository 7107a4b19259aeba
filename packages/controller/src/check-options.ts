import type { KubeConfig } from "@kubernetes/client-node";
import { ControllerError } from "./controller-error.ts";
import type { ControllerOptions, LeaderElectionOptions } from "./controller-options.ts";

/** Refuses what a program without types may hand over. Throws `ControllerError` `badOptions` that names the option. */
export function checkOptions(config: KubeConfig, options: ControllerOptions): void {
  if (typeof config?.makeApiClient !== "function" || typeof config.getCurrentCluster !== "function")
    throw badOptions("`config` is no `KubeConfig` of `@kubernetes/client-node`");
  if (!config.getCurrentCluster())
    throw badOptions("`config` has no current cluster: load it first, e.g. by `config.loadFromDefault()`");
  if (typeof options?.build !== "function")
    throw badOptions("`build` is no function that makes an evaluator of policies");
  const { scan } = options;
  checkNamespaces(options.exceptionNamespaces);
  if (scan === undefined) return;
  checkElection(scan.election, "scan.election");
  for (const name of ["intervalMs", "timeoutMs", "apiTimeoutMs", "concurrency", "pageSize"] as const)
    checkPositive(scan[name], `scan.${name}`);
}

/** The same for the namespaces whose exceptions count. */
export function checkNamespaces(given: unknown = []): void {
  // The characters of a text would be taken for names.
  if (!Array.isArray(given)) throw badOptions("`exceptionNamespaces` is no list of namespaces");
  // By index: a hole is no namespace.
  for (let i = 0; i < given.length; i++) {
    const name: unknown = given[i];
    if (typeof name === "string" && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) continue;
    throw badOptions(`\`exceptionNamespaces[${i}]\` is not the name of a namespace`);
  }
}

/** The same for an election. */
export function checkElection(options: LeaderElectionOptions, path = "options"): void {
  for (const name of ["namespace", "identity"] as const) {
    const value: unknown = options?.[name];
    if (typeof value !== "string" || value === "") throw badOptions(`\`${path}.${name}\` is missing`);
  }
  checkPositive(options.leaseSeconds, `${path}.leaseSeconds`);
}

/** `NaN` would make a timer that does not wait. */
function checkPositive(value: number | undefined, path: string): void {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return;
  throw badOptions(`\`${path}\` is no number above 0`);
}

function badOptions(message: string): ControllerError {
  return new ControllerError("badOptions", message);
}
