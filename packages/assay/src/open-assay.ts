import type { JsonObject } from "@assay/policy";
import { type Assay, type AssayOptions, createAssay } from "./create-assay.ts";
import { type ContextFlags, parseVariables, type SourceFlags } from "./evaluation-flags.ts";
import { type InputFile, readInputFiles } from "./input-files.ts";
import { sourceOptions } from "./open-sources.ts";
import { readObjects } from "./read-objects.ts";
import type { Terminal } from "./terminal.ts";

/** Policies with the flags of the command line. */
export async function openAssay(
  policies: readonly string[],
  flags: SourceFlags & ContextFlags,
  terminal: Terminal,
  overrides: Pick<AssayOptions, "trust"> = {},
): Promise<Assay> {
  const files: InputFile[] = [
    ...(await readInputFiles(policies, terminal)),
    ...(await readInputFiles(flags.exception, terminal)),
  ];
  const objects: readonly JsonObject[] = (await readObjects(flags.configmap, terminal)).map(
    ({ object }) => object,
  );
  const { now } = flags;
  return createAssay({
    policies: files,
    objects,
    variables: parseVariables(flags.var),
    clock: now === undefined ? terminal.now : () => now,
    ...(await sourceOptions(flags, terminal)),
    ...overrides,
  });
}
