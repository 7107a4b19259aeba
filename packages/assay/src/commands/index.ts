import type { AddCommand } from "../command-line.ts";
import { addCompletionCommand } from "./completion.ts";
import { addRekorCommand } from "./rekor.ts";

/** Every command, in the order of `assay --help`. */
export const commands: readonly AddCommand[] = [addRekorCommand, addCompletionCommand];
