import type { KubeConfig } from "@kubernetes/client-node";
import { ControllerError } from "./controller-error.ts";
import type { ControllerOptions, LeaderElectionOptions } from "./controller-options.ts";

const names: Readonly<Record<keyof ControllerOptions, true>> = {
  ...{ build: true, scan: true, exceptionNamespaces: true, kindServed: true, loaded: true, logger: true },
};
const scanNames: Readonly<Record<keyof NonNullable<ControllerOptions["scan"]>, true>> = {
  ...{ election: true, intervalMs: true, timeoutMs: true, apiTimeoutMs: true, concurrency: true },
  ...{ pageSize: true, clock: true, namespaceLabels: true, logger: true },
};
const electionNames: Readonly<Record<keyof LeaderElectionOptions, true>> = {
  ...{ namespace: true, name: true, identity: true, leaseSeconds: true, logger: true },
};

/** Refuses what a program without types may hand over. Throws `ControllerError` `badOptions` that names the option. */
export function checkOptions(config: KubeConfig, options: ControllerOptions): void {
  if (typeof config?.makeApiClient !== "function" || typeof config.getCurrentCluster !== "function")
    throw badOptions("`config` is no `KubeConfig` of `@kubernetes/client-node`");
  if (!config.getCurrentCluster())
    throw badOptions("`config` has no current cluster: load it first, e.g. by `config.loadFromDefault()`");
  if (typeof options?.build !== "function")
    throw badOptions("`build` is no function that makes an evaluator of policies");
  checkNames(options, names, "options");
  const { scan } = options;
  checkNamespaces(options.exceptionNamespaces);
  if (scan === undefined) return;
  checkNames(scan, scanNames, "scan");
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
  checkNames(options, electionNames, path);
  // Processes that name it differently would all lead.
  if (options.name !== undefined && (typeof options.name !== "string" || options.name === ""))
    throw badOptions(`\`${path}.name\` is no name of a Lease`);
  checkPositive(options.leaseSeconds, `${path}.leaseSeconds`);
}

/** A misspelt option is a lost one: nothing would be scanned, and nobody told. */
function checkNames(options: object, known: object, path: string): void {
  if (typeof options !== "object" || options === null) throw badOptions(`\`${path}\` is no object`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const list = Object.keys(known).join(", ");
    throw badOptions(`there is no option \`${name}\` in \`${path}\`; known here: ${list}`);
  }
}

/** `NaN` would make a timer that does not wait. */
function checkPositive(value: number | undefined, path: string): void {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return;
  throw badOptions(`\`${path}\` is no number above 0`);
}

function badOptions(message: string): ControllerError {
  return new ControllerError("badOptions", message);
}
