import type { AddCommand } from "../command-line.ts";

/** Every command, in the order of `assay --help`. */
export const commands: readonly AddCommand[] = [];
