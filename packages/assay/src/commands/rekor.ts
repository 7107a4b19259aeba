import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import { readBytes } from "../inputs/input-files.ts";
import type { RekorFindings, RekorOptions } from "../rekor-search.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags {
  readonly sha?: string;
  readonly signature?: string;
  readonly rekorUrl: string;
  readonly output: "text" | "json";
}

/** `assay rekor search`: what does the transparency log know of a digest or a signature? */
export function addRekorCommand(program: Command, { terminal, finish }: CommandContext): void {
  const rekor = program.command("rekor").description("ask a transparency log").addHelpText("after", EXAMPLES);
  const search = rekor
    .command("search")
    .description(
      "find the log entries of a digest, a signed file or a bundle; what the log answers is not verified",
    )
    .option("--sha <digest>", "SHA-256 digest of what was signed")
    .option("--signature <file>", "a Sigstore bundle, or the file that was signed (for cosign: the payload)")
    .option("--rekor-url <url>", "which log", "https://rekor.sigstore.dev")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: Flags) => {
      const findings = await find(flags, terminal);
      const json = flags.output === "json";
      terminal.out(json ? `${JSON.stringify(findings, null, 2)}\n` : describe(findings));
      if (findings.entries.length === 0) finish(exitCode.denied);
    });
  addOutputFlag(search, ["text", "json"]);
}

async function find(flags: Flags, terminal: Terminal): Promise<RekorFindings> {
  const { rekorEntryAt, rekorQueryOf, searchRekor } = await import("../rekor-search.ts");
  if (!URL.canParse(flags.rekorUrl))
    throw new AssayError("usage", `--rekor-url \`${flags.rekorUrl}\` is not a URL`);
  const options: RekorOptions = { url: flags.rekorUrl, signal: terminal.signal };
  if (flags.sha !== undefined && flags.signature === undefined) return searchRekor(flags.sha, options);
  if (flags.signature === undefined || flags.sha !== undefined) {
    throw new AssayError("usage", "give either --sha or --signature");
  }
  const query = rekorQueryOf(await readBytes(flags.signature, terminal.cwd, 64 * 1024 * 1024));
  if ("digest" in query) return searchRekor(query.digest, options);
  const found = await Promise.all(query.logIndexes.slice(0, 20).map((index) => rekorEntryAt(index, options)));
  return { entries: found.flatMap(({ entries }) => entries), total: query.logIndexes.length };
}

function describe({ entries, total }: RekorFindings): string {
  if (entries.length === 0) return NOTHING;
  const blocks = entries.map((entry) =>
    [
      `entry ${entry.logIndex} (${entry.kind})`,
      `  logged  ${entry.integratedTime}`,
      ...(entry.hash === undefined ? [] : [`  about   ${entry.hash}`]),
      ...entry.signers.map((signer) => `  signer  ${signer}`),
      `  uuid    ${entry.uuid}`,
    ].join("\n"),
  );
  const more = total > entries.length ? [`… and ${total - entries.length} more`] : [];
  return `${plainText([...blocks, ...more].join("\n"))}\n`;
}

const NOTHING = `no entry
  cosign logs the digest of the payload that it signed, which is not the image's digest:
  \`assay verify IMAGE … --output json\` names the log entries of an image's signatures
`;

const EXAMPLES = `
Exit status: 0 found, 1 nothing found, 2 wrong usage or the log could not be asked.

Examples:
  assay rekor search --sha sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
  assay rekor search --signature artifact.sigstore.json`;
