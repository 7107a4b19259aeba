import { setFlagsFromString } from "node:v8";

/** A choice of V8's that suits a server, and the flags by which somebody else has already chosen. */
interface HeapChoice {
  readonly flag: string;
  readonly chosenBy: readonly string[];
}

const choices: readonly HeapChoice[] = [
  // The heap stays close to what is alive, and the young generation small: collected more often, in a millisecond each.
  {
    flag: "--optimize-for-size",
    chosenBy: [
      "optimize-for-size",
      "max-semi-space-size",
      "min-semi-space-size",
      "semi-space-growth-factor",
      "lite-mode",
    ],
  },
  // The middle compiler's working memory is allocated in its own threads, whose malloc does not give it back: 40 MiB, to be
  // somewhat quicker until the optimizing compiler has done the same functions.
  { flag: "--no-maglev", chosenBy: ["maglev", "jitless", "lite-mode"] },
];

/**
 * Has V8 keep little memory, in this process from now on: for `assay serve`, which owns its process and stands in a cluster
 * for months. What was chosen on Node's command line or in `NODE_OPTIONS` stays as it is.
 */
export function leanHeap({ execArgv, env }: Pick<NodeJS.Process, "execArgv" | "env">): void {
  const chosen = [...execArgv, ...(env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  for (const flag of leanFlags(chosen)) setFlagsFromString(flag);
}

/** The flags to set beside those that Node was given. */
export function leanFlags(given: readonly string[]): readonly string[] {
  const names = new Set(given.map(nameOf));
  return choices.filter(({ chosenBy }) => !chosenBy.some((name) => names.has(name))).map(({ flag }) => flag);
}

/** `--no_maglev`, `--no-maglev` and `--maglev` are words about the same flag. */
function nameOf(argument: string): string {
  return (argument.split("=")[0] ?? "").replaceAll("_", "-").replace(/^--(?:no-?)?/, "");
}
