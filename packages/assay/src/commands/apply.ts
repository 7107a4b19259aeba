import type { ReportedVerdict } from "@assay/engine/report";
import type { Command } from "commander";
import type { Assay } from "../create-assay.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import {
  addJudgingFlags,
  type JudgingFlags,
  judgingCommand,
  limitsOf,
  type ResourceFlags,
  resourcesOf,
} from "../flags/judging-command.ts";
import type { FileObject } from "../inputs/read-objects.ts";
import type { CommandContext } from "../terminal/command-line.ts";
import { statusOf } from "../terminal/decision.ts";
import { showProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { VERSION } from "../version.ts";

interface Flags extends JudgingFlags, ResourceFlags {
  readonly output: "text" | "json" | "sarif" | "junit";
  readonly verbose?: boolean;
}

/** `assay apply POLICY… --resource FILE…`: may these resources run? */
export function addApplyCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = judgingCommand(program, "apply", "judge resources by policies");
  addJudgingFlags(command.option("-v, --verbose", "explain what is allowed, too"));
  addOutputFlag(command, ["text", "json", "sarif", "junit"]);
  command.addHelpText("after", EXAMPLES).action(async (policies: readonly string[], flags: Flags) => {
    const { openAssay } = await import("../open-assay.ts");
    const assay = await openAssay(policies, flags, terminal);
    const resources = await resourcesOf(flags, terminal);
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
  flags: Flags,
  terminal: Terminal,
): Promise<readonly ReportedVerdict[]> {
  const { requestsFor } = await import("../inputs/resource-requests.ts");
  const { default: pLimit } = await import("p-limit");
  const limit = pLimit(CONCURRENCY);
  const progress = showProgress(terminal, resources.length);
  const judged = await Promise.all(
    requestsFor(
      resources.map(({ object }) => object),
      { mutate: flags.mutate },
    ).map((request, i) =>
      limit(async () => {
        const verdict = await assay.evaluate(request, limitsOf(flags, terminal));
        progress.step();
        return { file: resources[i]?.file ?? "", verdict };
      }),
    ),
  );
  progress.done();
  return judged;
}

async function print(
  judged: readonly ReportedVerdict[],
  assay: Assay,
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  const { summary, verdictText } = await import("../terminal/verdict-text.ts");
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
      for (const warning of assay.warnings) terminal.warn(diagnosticText(warning));
      for (const verdict of verdicts) {
        terminal.out(verdictText(verdict, terminal, flags.verbose === true ? "full" : "short"));
      }
      terminal.out(`${summary(verdicts)}\n`);
    }
  }
}

const EXAMPLES = `
Exit status: 0 all allowed, 1 something denied, 2 wrong usage or could not be decided.

Examples:
  assay apply policy.yaml --resource pod.yaml
  assay apply 'policies/**/*.yaml' --resource deploy/ --var ORG=acme --output sarif > assay.sarif
  kubectl get pods -o yaml | assay apply policies/ --resource - --no-mutate
  assay apply policy.yaml --resource pod.yaml --layout ./images --trusted-root trusted_root.json   without network`;
