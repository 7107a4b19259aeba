import type { Command } from "commander";
import type { CommandContext } from "../terminal/command-line.ts";

/** `assay schema`: the JSON Schema of policies, for editors. */
export function addSchemaCommand(program: Command, { terminal }: CommandContext): void {
  program
    .command("schema")
    .description("print the JSON Schema of policies, for completion and checks in editors")
    .addHelpText("after", EXAMPLES)
    .action(async () => {
      const { policyJsonSchema } = await import("@assay/policy/schema");
      terminal.out(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
    });
}

const EXAMPLES = `
A YAML language server takes it from a first line in the policy:
  # yaml-language-server: $schema=./assay.schema.json

Exit status: 0 printed.

Examples:
  assay schema > assay.schema.json`;
