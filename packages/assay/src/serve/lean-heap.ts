import { setFlagsFromString } from "node:v8";

/** The heap stays close to what is alive, and the young generation small: collected more often, in a millisecond each. */
const lean = "--optimize-for-size";
/** Who gave Node one of these has chosen. */
const chosenBy: ReadonlySet<string> = new Set([
  "optimize-for-size",
  "max-semi-space-size",
  "min-semi-space-size",
  "semi-space-growth-factor",
  "lite-mode",
]);

/**
 * Has V8 keep little memory, in this process from now on: for `assay serve`, which owns its process and stands in a cluster
 * for months. What was chosen on Node's command line or in `NODE_OPTIONS` stays as it is.
 */
export function leanHeap({ execArgv, env }: Pick<NodeJS.Process, "execArgv" | "env">): void {
  const given = [...execArgv, ...(env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  for (const flag of leanFlags(given)) setFlagsFromString(flag);
}

/** The flags to set beside those that Node was given. */
export function leanFlags(given: readonly string[]): readonly string[] {
  return given.some((argument) => chosenBy.has(nameOf(argument))) ? [] : [lean];
}

/** `--no_lite_mode`, `--no-lite-mode` and `--lite-mode` are words about the same flag. */
function nameOf(argument: string): string {
  return (argument.split("=")[0] ?? "").replaceAll("_", "-").replace(/^--(?:no-?)?/, "");
}
