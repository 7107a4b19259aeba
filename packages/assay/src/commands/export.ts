import { resolve } from "node:path";
import type { Verdict } from "@assay/engine";
import type { ImageReference } from "@assay/image";
import type { ExportReport } from "@assay/sources/layout";
import type { Command } from "commander";
import { AssayError } from "../assay-error.ts";
import type { Assay } from "../create-assay.ts";
import {
  addContextFlags,
  addOutputFlag,
  addRegistryFlags,
  type ContextFlags,
  collect,
  type SourceFlags,
} from "../flags/evaluation-flags.ts";
import { limitsOf } from "../flags/judging-command.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { decisionOf } from "../terminal/decision.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface Flags extends SourceFlags, ContextFlags {
  readonly policy: readonly string[];
  readonly resource: readonly string[];
  readonly out: string;
  readonly trustRoot: boolean;
  readonly output: "text" | "json";
}

/** What the exported layout says of one image, with the network out of the way. */
interface OfflineCheck {
  readonly image: string;
  readonly verdict: Verdict;
}

/** `assay export`: everything that verifying needs, in one directory. */
export function addExportCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = program
    .command("export")
    .description(
      "collect manifests, signatures, attestations and trust root of images into an OCI layout, for use without network",
    )
    .argument("[image...]", "image references")
    .option(
      "--policy <file>",
      "export what these policies need, and check offline that they can decide; repeatable",
      collect,
      [],
    )
    .option(
      "-r, --resource <file...>",
      "export the images of these resources that the policies select; repeatable",
      collect,
      [],
    )
    .requiredOption("--out <dir>", "directory of the layout; made, or added to")
    .option("--no-trust-root", "leave the trust root out (keys without a transparency log need none)");
  addContextFlags(command);
  addRegistryFlags(command);
  addOutputFlag(command, ["text", "json"]);
  command.addHelpText("after", EXAMPLES).action(async (images: readonly string[], flags: Flags) => {
    const { report, names } = await exportAll(images, flags, terminal);
    const checks = flags.policy.length === 0 ? [] : await checkOffline(names, flags, terminal);
    const summary = {
      ...report,
      checks: checks.map(({ image, verdict: { allowed, outcome } }) => ({ image, allowed, outcome })),
    };
    terminal.out(
      flags.output === "json" ? `${JSON.stringify(summary, null, 2)}\n` : describe(report, checks, flags.out),
    );
    if (checks.some(({ verdict }) => verdict.outcome === "error")) finish(exitCode.undecided);
  });
}

async function exportAll(
  images: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<{ readonly report: ExportReport; readonly names: readonly string[] }> {
  const { exportLayout } = await import("@assay/sources/layout");
  const { registryOptions, trustOf } = await import("../open-sources.ts");
  const { defaultTrust } = await import("../default-trust.ts");
  const { signatureRepositories } = await import("../inputs/policy-places.ts");
  const { parseImage } = await import("../inputs/parse-image.ts");
  const { showProgress } = await import("../terminal/progress.ts");
  const { openAssay } = await import("../open-assay.ts");
  const assay = flags.policy.length === 0 ? undefined : await openAssay(flags.policy, flags, terminal);
  const names = [...new Set([...images, ...(await selectedImages(assay, flags, terminal))])];
  if (names.length === 0)
    throw new AssayError("usage", "there is no image to export", {
      hint: "name images, or --policy and --resource that select some",
    });
  const references: readonly ImageReference[] = names.map((name) => parseImage(name));
  const progress = showProgress(terminal, references.length, "exporting");
  const report = await exportLayout({
    images: references,
    directory: resolve(terminal.cwd, flags.out),
    registry: await registryOptions(flags, terminal),
    repositories: signatureRepositories(assay?.policies ?? []),
    ...(flags.trustRoot ? { trust: (await trustOf(flags, terminal)) ?? defaultTrust() } : {}),
    signal: terminal.signal,
    onProgress: () => progress.step(),
  });
  progress.done();
  return { report, names };
}

async function selectedImages(
  assay: Assay | undefined,
  flags: Flags,
  terminal: Terminal,
): Promise<readonly string[]> {
  if (flags.resource.length === 0) return [];
  if (assay === undefined)
    throw new AssayError("usage", "--resource needs --policy: policies select the images");
  const { readObjects } = await import("../inputs/read-objects.ts");
  const { requestsFor } = await import("../inputs/resource-requests.ts");
  const resources = (await readObjects(flags.resource, terminal)).map(({ object }) => object);
  return requestsFor(resources, flags).flatMap((request) =>
    assay.plan(request).rules.flatMap((rule) => rule.images),
  );
}

/** The policies again, from the layout alone. */
async function checkOffline(
  names: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<readonly OfflineCheck[]> {
  const { podOf } = await import("../image-question.ts");
  const { trustedRoot: _, ...rest } = flags;
  const { layoutTrust } = await import("@assay/sources/layout");
  const { openAssay } = await import("../open-assay.ts");
  const trust = layoutTrust(resolve(terminal.cwd, flags.out));
  const assay = await openAssay(flags.policy, { ...rest, layout: flags.out }, terminal, { trust });
  return Promise.all(
    names.map(async (image) => ({
      image,
      verdict: await assay.evaluate({ resource: podOf(image) }, limitsOf(flags, terminal)),
    })),
  );
}

function describe(
  { images, expiries, notes }: ExportReport,
  checks: readonly OfflineCheck[],
  out: string,
): string {
  const lines = [
    ...images.map(
      ({ image, digest, signatures, attestations, bundles }) =>
        `${image} ${digest}: ${signatures} signatures, ${attestations} attestations, ${bundles} bundles`,
    ),
    ...checks.map(
      ({ image, verdict }) => `offline, ${image} is ${decisionOf(verdict)}${whyUndecided(verdict)}`,
    ),
    ...(expiries.length === 0 ? [] : ["what expires:"]),
    ...expiries.map(({ when, what, means }) => `  ${when} ${what}: ${means}`),
    ...notes.map((note) => `note: ${note}`),
    `use it with: assay apply … --layout ${out}`,
  ];
  return `${plainText(lines.join("\n"))}\n`;
}

function whyUndecided(verdict: Verdict): string {
  if (decisionOf(verdict) !== "undecided") return "";
  return `: ${verdict.results.find(({ outcome }) => outcome === "error")?.message}`;
}

const EXAMPLES = `
Image contents are not copied: only what verifying reads. --layout finds the exported trust root by itself.
Exit status: 0 exported, 2 something could not be had (then the layout is left as it was), or not decided offline.

Examples:
  assay export registry.example.com/app:v1.2.3 --out ./airgap
  assay export --policy policies/ --resource deploy/ --out ./airgap
  assay apply policies/ --resource deploy/ --layout ./airgap          over there`;
