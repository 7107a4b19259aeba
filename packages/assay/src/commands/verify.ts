import type { Verdict } from "@assay/engine";
import type { Command } from "commander";
import {
  addLogFlag,
  addOutputFlag,
  addSourceFlags,
  collect,
  type LogFlags,
  parseTime,
  type SourceFlags,
} from "../flags/evaluation-flags.ts";
import { limitsOf } from "../flags/judging-command.ts";
import { addSignerFlags, type SignerFlags } from "../flags/signer-flags.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { statusOf } from "../terminal/decision.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags extends SourceFlags, SignerFlags, LogFlags {
  readonly type: readonly string[];
  readonly output: "text" | "json";
  readonly now?: Date;
}

/** `assay verify IMAGE`: did this signer sign this image (or attest to it)? */
export function addVerifyCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("verify")
    .description("verify that a key or an identity signed an image, or attested to it")
    .argument("<image...>", "image references");
  addSignerFlags(command)
    .option(
      "--type <predicate-type>",
      "verify attestations of this type instead of the signature (cosign's short names work); repeatable",
      collect,
      [],
    )
    .option("--now <rfc3339>", "judge as of this time (default: the clock)", parseTime);
  addSourceFlags(command);
  addLogFlag(command);
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (images: readonly string[], flags: Flags) => {
    const verdicts = await verifyAll(images, flags, terminal);
    if (flags.output === "json") terminal.out(`${JSON.stringify({ verdicts }, null, 2)}\n`);
    else for (const verdict of verdicts) await print(verdict, terminal);
    for (const verdict of verdicts)
      finish(verdict.results.length === 0 ? exitCode.undecided : statusOf(verdict));
  });
}

/** Registries are opened once, for all images. */
async function verifyAll(
  images: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<readonly Verdict[]> {
  const { sourceOptions } = await import("../open-sources.ts");
  const { evaluateImage } = await import("../evaluate-image.ts");
  const { parseImage } = await import("../inputs/parse-image.ts");
  const { questionOf } = await import("../flags/signer-flags.ts");
  for (const image of images) parseImage(image);
  const attestations = flags.type.map((type) => ({ type }));
  const question = {
    ...(await questionOf(flags, terminal)),
    ...(attestations.length === 0 ? {} : { attestations, signature: false }),
  };
  const { now } = flags;
  const options = {
    ...(await sourceOptions(flags, terminal)),
    clock: now === undefined ? terminal.now : () => now,
    logLookup: flags.logLookup,
    ...limitsOf(flags, terminal),
  };
  const verdicts: Verdict[] = [];
  for (const image of images) verdicts.push(await evaluateImage(image, question, options));
  return verdicts;
}

async function print(verdict: Verdict, terminal: Terminal): Promise<void> {
  const { verdictText } = await import("../terminal/verdict-text.ts");
  terminal.out(verdictText(verdict, terminal, "full"));
}

const EXAMPLES = `
Exit status: 0 verified, 1 not verified, 2 wrong usage or could not be decided.

Examples:
  assay verify registry.example.com/app:v1.2.3 --key cosign.pub
  assay verify registry.example.com/app:v1.2.3 --key cosign.pub --insecure-ignore-tlog     signed offline
  assay verify ghcr.io/acme/app:v1 \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com
  assay verify ghcr.io/acme/app:v1 --key cosign.pub --type slsaprovenance --type spdxjson`;
