import type { JsonObject } from "@assay/policy";
import { AssayError } from "./assay-error.ts";
import { type Assay, createAssay } from "./create-assay.ts";
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
): Promise<Assay> {
  const files: InputFile[] = [
    ...(await readInputFiles(policies, terminal)),
    ...(await readInputFiles(flags.exception, terminal)),
  ];
  const objects: readonly JsonObject[] = (await readObjects(flags.configmap, terminal)).map(
    ({ object }) => object,
  );
  const { now } = flags;
  const assay = createAssay({
    policies: files,
    objects,
    variables: parseVariables(flags.var),
    clock: now === undefined ? terminal.now : () => now,
    ...(await sourceOptions(flags, terminal)),
  });
  if (assay.policies.length === 0) {
    throw new AssayError(
      "invalidPolicy",
      `there is no policy in ${policies.map((name) => `\`${name}\``).join(", ")}`,
      {
        hint: "a policy is a document of kind ClusterPolicy or Policy",
      },
    );
  }
  return assay;
}
