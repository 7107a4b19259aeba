import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag, addSourceFlags, type SourceFlags } from "../flags/evaluation-flags.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { plainText } from "../terminal/plain-text.ts";

interface Flags extends SourceFlags {
  readonly output: "text" | "json";
}

/** `assay digest IMAGE`: what a tag points to now. */
export function addDigestCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("digest")
    .description("print the digest that an image's tag points to")
    .argument("<image>", "image reference");
  addSourceFlags(command);
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (text: string, flags: Flags) => {
    const { evidenceSource } = await import("../open-sources.ts");
    const { parseImage } = await import("../inputs/parse-image.ts");
    const image = parseImage(text);
    const source = await evidenceSource(flags, terminal);
    const timeout = AbortSignal.timeout((flags.timeout ?? 30) * 1000);
    const answer = await source.fetch(
      { kind: "digest", image },
      { signal: AbortSignal.any([terminal.signal, timeout]) },
    );
    if (answer.ok) {
      const { digest } = answer.value;
      terminal.out(flags.output === "json" ? `${JSON.stringify({ image: text, digest })}\n` : `${digest}\n`);
    } else if (answer.failure.code === "notFound") {
      terminal.err(`assay: ${plainText(answer.failure.message)}\n`);
      finish(exitCode.denied);
    } else {
      throw new AssayError("unavailable", answer.failure.message);
    }
  });
}

const EXAMPLES = `
Exit status: 0 found, 1 there is no such image, 2 wrong usage or the registry could not be asked.

Examples:
  assay digest registry.example.com/app:v1.2.3
  kubectl set image deployment/web app=registry.example.com/app@$(assay digest registry.example.com/app:v1.2.3)`;
