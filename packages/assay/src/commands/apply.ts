import type { Verdict } from "@assay/engine";
import type { ReportedVerdict } from "@assay/engine/report";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { type CommandContext, exitCode } from "../command-line.ts";
import type { Assay } from "../create-assay.ts";
import {
  addContextFlags,
  addLogFlag,
  addOutputFlag,
  addSourceFlags,
  type ContextFlags,
  collect,
  type LogFlags,
  type SourceFlags,
} from "../evaluation-flags.ts";
import { showProgress } from "../progress.ts";
import type { FileObject } from "../read-objects.ts";
import type { Terminal } from "../terminal.ts";
import { VERSION } from "../version.ts";

interface Flags extends SourceFlags, ContextFlags, LogFlags {
  readonly resource: readonly string[];
  readonly output: "text" | "json" | "sarif" | "junit";
  readonly verbose?: boolean;
}

/** `assay apply POLICY… --resource FILE…`: may these resources run? */
export function addApplyCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("apply")
    .description("judge resources by policies")
    .argument("<policy...>", "policy files, directories, globs, or - for standard input")
    .option("-r, --resource <file...>", "resource files, directories, globs, or -; repeatable", collect, [])
    .option("-v, --verbose", "explain what is allowed, too");
  addContextFlags(command);
  addSourceFlags(command);
  addLogFlag(command);
  addOutputFlag(command, ["text", "json", "sarif", "junit"]);
  command.addHelpText("after", EXAMPLES).action(async (policies: readonly string[], flags: Flags) => {
    if (flags.resource.length === 0)
      throw new AssayError("usage", "no --resource is given", { hint: RESOURCE_HINT });
    const { openAssay } = await import("../open-assay.ts");
    const { readObjects } = await import("../read-objects.ts");
    const assay = await openAssay(policies, flags, terminal);
    const resources = await readObjects(flags.resource, terminal);
    const judged = await judgeAll(assay, resources, flags, terminal);
    await print(judged, assay, flags, terminal);
    for (const { verdict } of judged) finish(statusOf(verdict));
  });
}

/** Resources of one run are judged side by side, so that equal questions about them are asked once. */
const CONCURRENCY = 32;

async function judgeAll(
  assay: Assay,
  resources: readonly FileObject[],
  { timeout, mutate }: Flags,
  terminal: Terminal,
): Promise<readonly ReportedVerdict[]> {
  const { requestsFor } = await import("../resource-requests.ts");
  const { default: pLimit } = await import("p-limit");
  const limit = pLimit(CONCURRENCY);
  const progress = showProgress(terminal, resources.length);
  const options = {
    signal: terminal.signal,
    ...(timeout === undefined ? {} : { timeoutMilliseconds: timeout * 1000 }),
  };
  const judged = await Promise.all(
    requestsFor(
      resources.map(({ object }) => object),
      { mutate },
    ).map((request, i) =>
      limit(async () => {
        const verdict = await assay.evaluate(request, options);
        progress.step();
        return { file: resources[i]?.file ?? "", verdict };
      }),
    ),
  );
  progress.done();
  return judged;
}

/** 0 allowed, 1 denied, 2 not allowed because it could not be decided. */
export function statusOf(verdict: Verdict): number {
  if (verdict.allowed) return exitCode.allowed;
  return verdict.outcome === "error" ? exitCode.undecided : exitCode.denied;
}

async function print(
  judged: readonly ReportedVerdict[],
  assay: Assay,
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  const { summary, verdictText } = await import("../verdict-text.ts");
  const verdicts = judged.map(({ verdict }) => verdict);
  switch (flags.output) {
    case "json":
      terminal.out(`${JSON.stringify({ verdicts }, null, 2)}\n`);
      return;
    case "sarif":
    case "junit": {
      const { toJUnit, toSarif } = await import("@assay/engine/report");
      terminal.out(`${flags.output === "junit" ? toJUnit(judged) : toSarif(judged, VERSION)}\n`);
      return;
    }
    case "text": {
      const { diagnosticText } = await import("@assay/policy");
      for (const warning of assay.warnings) terminal.err(`warning: ${diagnosticText(warning)}\n`);
      for (const verdict of verdicts) {
        terminal.out(verdictText(verdict, terminal, flags.verbose === true ? "full" : "short"));
      }
      terminal.out(`${summary(verdicts)}\n`);
    }
  }
}

const RESOURCE_HINT =
  "name the files with the Pods, Deployments, … to judge: --resource pod.yaml, or --resource - for standard input";

const EXAMPLES = `
Exit status: 0 all allowed, 1 something denied, 2 wrong usage or could not be decided.

Examples:
  assay apply policy.yaml --resource pod.yaml
  assay apply 'policies/**/*.yaml' --resource deploy/ --var ORG=acme --output sarif > assay.sarif
  kubectl get pods -o yaml | assay apply policies/ --resource - --no-mutate
  assay apply policy.yaml --resource pod.yaml --layout ./images --trusted-root trusted_root.json   without network`;
