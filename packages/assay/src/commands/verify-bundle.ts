import { type Digest, isDigest } from "@assay/image";
import type { TrustRoot } from "@assay/verify";
import type { BundleJudgement, BundleQuestion } from "@assay/verify/bundle";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import { addOutputFlag } from "../flags/evaluation-flags.ts";
import { readBytes, readTextFile } from "../inputs/input-files.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags {
  readonly bundle: string;
  readonly certificateIdentity?: string;
  readonly certificateOidcIssuer?: string;
  readonly key?: string;
  readonly trustedRoot?: string;
  readonly staging?: boolean;
  readonly output: "text" | "json";
}

const MAX_BUNDLE = 64 * 1024 * 1024;
const MAX_ARTIFACT = 1024 * 1024 * 1024;

/** `assay verify-bundle`: one Sigstore bundle about one file. The arguments are sigstore-conformance's protocol. */
export function addVerifyBundleCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("verify-bundle")
    .description("verify a Sigstore bundle about a file or a digest")
    .argument("<file-or-digest>", "the file that was signed, or sha256:… of it")
    .requiredOption("--bundle <file>", "the bundle")
    .option("--certificate-identity <id>", "exact identity in the certificate")
    .option("--certificate-oidc-issuer <url>", "exact issuer of the identity")
    .option("--key <file>", "public key (PEM), instead of an identity")
    .option("--trusted-root <file>", "trusted_root.json (default: Sigstore's public one, by TUF)")
    .option("--staging", "the bundle is of Sigstore's staging instance: --trusted-root must be its root");
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (artifact: string, flags: Flags) => {
    const { verifyBundle } = await import("@assay/verify/bundle");
    const question: BundleQuestion = {
      artifact: await artifactOf(artifact, terminal),
      signer: await signerOf(flags, terminal),
      trust: await trustOf(flags, terminal),
      now: terminal.now(),
    };
    const judgement = verifyBundle(await readBytes(flags.bundle, terminal.cwd, MAX_BUNDLE), question);
    terminal.out(flags.output === "json" ? `${JSON.stringify(judgement, null, 2)}\n` : describe(judgement));
    const { outcome } = judgement.trace;
    finish(outcome === "pass" ? exitCode.allowed : outcome === "fail" ? exitCode.denied : exitCode.undecided);
  });
}

async function artifactOf(text: string, terminal: Terminal): Promise<BundleQuestion["artifact"]> {
  const digest = digestIn(text);
  return digest === undefined ? { bytes: await readBytes(text, terminal.cwd, MAX_ARTIFACT) } : { digest };
}

function digestIn(text: string): Digest | undefined {
  return isDigest(text) ? text : undefined;
}

async function signerOf(flags: Flags, terminal: Terminal): Promise<BundleQuestion["signer"]> {
  const { certificateIdentity: subject, certificateOidcIssuer: issuer, key } = flags;
  if (key !== undefined && subject === undefined && issuer === undefined) {
    return { key: await readTextFile(key, terminal.cwd, 1024 * 1024) };
  }
  if (key === undefined && subject !== undefined && issuer !== undefined) return { subject, issuer };
  throw new AssayError("usage", "it must be said who should have signed", {
    hint: "give --certificate-identity and --certificate-oidc-issuer, or --key",
  });
}

async function trustOf(flags: Flags, terminal: Terminal): Promise<TrustRoot> {
  const { parseTrustRoot } = await import("@assay/verify");
  if (flags.trustedRoot !== undefined)
    return parseTrustRoot(await readTextFile(flags.trustedRoot, terminal.cwd));
  if (flags.staging === true) {
    throw new AssayError("usage", "--staging needs --trusted-root", {
      hint: "assay has only the public instance's first TUF root: get staging's trusted_root.json from its TUF repository",
    });
  }
  const { defaultTrust } = await import("../default-trust.ts");
  const answer = await defaultTrust().fetch(
    { kind: "trustRoot", name: "public-good" },
    { signal: terminal.signal },
  );
  if (answer.ok) return parseTrustRoot(answer.value.json);
  throw new AssayError("unavailable", answer.failure.message, {
    hint: "without network, give the trust root with --trusted-root",
  });
}

function describe({ trace, signer, predicateType }: BundleJudgement): string {
  const lines =
    trace.outcome === "pass"
      ? [
          `verified: ${trace.message}`,
          ...(signer?.issuer === undefined ? [] : [`  issuer ${signer.issuer}`]),
          ...(signer?.verifiedTimes ?? []).map(({ from, time }) => `  signed by ${time} (${from})`),
          ...(predicateType === undefined ? [] : [`  attests ${predicateType}`]),
        ]
      : [`not verified: ${trace.code}: ${trace.message}`];
  return `${plainText(lines.join("\n"))}\n`;
}

const EXAMPLES = `
Exit status: 0 verified, 1 not verified, 2 wrong usage or no trust root.

Examples:
  assay verify-bundle --bundle app.tgz.sigstore.json \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com app.tgz
  assay verify-bundle --bundle app.sigstore.json --key cosign.pub --trusted-root trusted_root.json sha256:…`;
