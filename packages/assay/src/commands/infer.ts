import type { EvaluationOptions } from "@assay/engine";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import type { AssayOptions } from "../assay-options.ts";
import {
  addOutputFlag,
  addSourceFlags,
  collect,
  parseTime,
  type SourceFlags,
} from "../flags/evaluation-flags.ts";
import { limitsOf } from "../flags/judging-command.ts";
import type { ImageProfile } from "../infer/profile-image.ts";
import type { CommandContext } from "../terminal/command-line.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags extends SourceFlags {
  readonly key: readonly string[];
  readonly name: string;
  readonly now?: Date;
  readonly output: "yaml" | "json";
}

/** `assay infer IMAGE…`: the tightest policy that admits these images. */
export function addInferCommand(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command("infer")
    .description("propose the tightest policy that admits the given images, and say what else it would admit")
    .argument("<image...>", "images that are known to be good")
    .option("--key <file>", "a public key that may have signed them; repeatable", collect, [])
    .option("--name <name>", "name of the policy", "inferred")
    .option("--now <rfc3339>", "judge as of this time (default: the clock)", parseTime);
  addSourceFlags(command);
  addOutputFlag(command, ["yaml", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (images: readonly string[], flags: Flags) => {
    const { inferPolicy } = await import("../infer/infer-policy.ts");
    const options = await optionsOf(flags, terminal);
    const profiles = await profileAll(images, flags, options, terminal);
    const inference = inferPolicy(profiles, flags.name);
    const policy = await policyText(inference.policy);
    await prove(policy, images, { ...options, limits: limitsOf(flags, terminal) });
    if (flags.output === "json") {
      const facts = profiles.map(({ verdict: _, ...profile }) => profile);
      terminal.out(`${JSON.stringify({ ...inference, images: facts }, null, 2)}\n`);
      return;
    }
    const remarks = ["It would also admit:", ...inference.alsoAdmits.map((line) => `- ${line}`)];
    terminal.out(`${remarks.map((line) => `# ${plainText(line)}`).join("\n")}\n${policy}`);
  });
}

async function optionsOf(flags: Flags, terminal: Terminal): Promise<Omit<AssayOptions, "policies">> {
  const { sourceOptions } = await import("../open-sources.ts");
  const { now } = flags;
  return { ...(await sourceOptions(flags, terminal)), clock: now === undefined ? terminal.now : () => now };
}

async function profileAll(
  images: readonly string[],
  flags: Flags,
  options: Omit<AssayOptions, "policies">,
  terminal: Terminal,
): Promise<readonly ImageProfile[]> {
  const { alsoBy, profileImage } = await import("../infer/profile-image.ts");
  const { parseImage } = await import("../inputs/parse-image.ts");
  const { readKey } = await import("../flags/signer-flags.ts");
  const { showProgress } = await import("../terminal/progress.ts");
  for (const image of images) parseImage(image);
  const keyTexts = await Promise.all(flags.key.map((key) => readKey(key, terminal)));
  const progress = showProgress(terminal, images.length, "looking at");
  const probing = { ...options, keyTexts, limits: limitsOf(flags, terminal) };
  const found: ImageProfile[] = [];
  for (const image of images) {
    found.push(await profileImage(image, probing));
    progress.step();
  }
  const signers = found.flatMap((one) => [one, ...one.attestations]).flatMap((one) => one.signers);
  const profiles: ImageProfile[] = [];
  for (const one of found) profiles.push(await alsoBy(one, signers, probing));
  progress.done();
  const unsigned = profiles.find(({ signers }) => signers.length === 0);
  if (unsigned === undefined) return profiles;
  const because = unsigned.verdict.results.find(({ outcome }) => outcome !== "pass");
  const hint = hintFor(because?.code, because?.outcome, flags.key.length > 0);
  throw new AssayError(
    "notInferred",
    `nobody is proven to have signed \`${unsigned.image}\`: ${because?.message ?? "no reason"}`,
    hint === undefined ? {} : { hint },
  );
}

/** What would help: nothing does where the image is missing or could not be looked at. */
function hintFor(code?: string, outcome?: string, hasKeys = false): string | undefined {
  if (code === "imageNotFound" || outcome === "error") return undefined;
  if (code === "notSigned")
    return "a policy can only ask for signatures that are there: sign it, or leave it out";
  return hasKeys
    ? "none of the given keys, and no identity, signed it: name others with --key FILE"
    : "a key cannot be learnt from its signatures: name the keys that may have signed with --key FILE";
}

/** The proposal is judged before it is shown: it must admit what it was made from. */
async function prove(
  policy: string,
  images: readonly string[],
  { limits, ...options }: Omit<AssayOptions, "policies"> & { readonly limits: EvaluationOptions },
): Promise<void> {
  const { createAssay } = await import("../create-assay.ts");
  const { podOf } = await import("../image-question.ts");
  const assay = createAssay({ ...options, policies: policy });
  for (const image of images) {
    const verdict = await assay.evaluate({ resource: podOf(image) }, limits);
    const refusal = verdict.results.find(({ outcome }) => outcome !== "pass");
    if (!verdict.allowed || refusal !== undefined) {
      throw new AssayError(
        "notInferred",
        `no policy was found that admits \`${image}\`: ${refusal?.message ?? "it is denied"}`,
      );
    }
  }
}

async function policyText(policy: object): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(policy, { lineWidth: 0 });
}

const EXAMPLES = `
Signers are verified, not believed; the policy is judged on the images before it is printed.
Exit status: 0 a policy was found, 2 not.

Examples:
  assay infer ghcr.io/acme/app:v1.2.3 ghcr.io/acme/app:v1.2.4 > policy.yaml
  assay infer registry.example.com/app:v1 --key cosign.pub`;
