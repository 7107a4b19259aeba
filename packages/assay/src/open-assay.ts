import type { ContextSource, Sources } from "@assay/engine";
import { contextFromObjects } from "@assay/sources/cluster";
import type { AssayOptions } from "./assay-options.ts";
import { type Assay, createAssay, optionsOf, sourcesOf } from "./create-assay.ts";
import {
  type ContextFlags,
  type LogFlags,
  parseVariables,
  type SourceFlags,
} from "./flags/evaluation-flags.ts";
import { type InputFile, readInputFiles } from "./inputs/input-files.ts";
import { readObjects } from "./inputs/read-objects.ts";
import { sourceOptions } from "./open-sources.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** The policies and exceptions that flags and arguments name. */
export async function policyFiles(
  policies: readonly string[],
  flags: ContextFlags,
  terminal: Terminal,
): Promise<readonly InputFile[]> {
  return [
    ...(await readInputFiles(policies, terminal)),
    ...(await readInputFiles(flags.exception, terminal)),
  ];
}

interface Overrides extends Pick<AssayOptions, "trust" | "context"> {
  /** The policies and exceptions, where they have been read. */
  readonly files?: readonly InputFile[];
  /** Sees every lookup and its answer. */
  readonly observe?: (sources: Sources) => Sources;
}

async function contextOf({ configmap }: ContextFlags, terminal: Terminal): Promise<ContextSource> {
  return contextFromObjects((await readObjects(configmap, terminal)).map(({ object }) => object));
}

/** Policies with the flags of the command line. */
export async function openAssay(
  policies: readonly string[],
  flags: SourceFlags & ContextFlags & Partial<LogFlags>,
  terminal: Terminal,
  { observe = (sources) => sources, files, ...overrides }: Overrides = {},
): Promise<Assay> {
  const context = overrides.context ?? (await contextOf(flags, terminal));
  const { now, logLookup } = flags;
  return createAssay({
    policies: files ?? (await policyFiles(policies, flags, terminal)),
    variables: parseVariables(flags.var),
    clock: now === undefined ? terminal.now : () => now,
    ...(logLookup === undefined ? {} : { logLookup }),
    ...optionsOf(
      observe(sourcesOf({ context, ...(await sourceOptions(flags, terminal, context)), ...overrides })),
    ),
  });
}
