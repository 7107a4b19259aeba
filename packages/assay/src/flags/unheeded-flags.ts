import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";

/** Flags that a way of running a command does not heed, by the names of their options, and why. */
export type UnheededFlags = Readonly<Record<string, string>>;

/** Throws `usage` where one of them was given: whoever wrote it believes that it counts. */
export function refuseUnheeded(command: Command, flags: UnheededFlags): void {
  for (const [name, why] of Object.entries(flags)) {
    if (command.getOptionValueSource(name) !== "cli") continue;
    const flag = command.options.find((option) => option.attributeName() === name)?.long ?? name;
    throw new AssayError("usage", `${flag} would not be heeded: ${why}`);
  }
}
