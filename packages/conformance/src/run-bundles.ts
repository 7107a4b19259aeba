import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../../assay/src/commands/index.ts";
// The command line itself is what the suite's protocol is about; it is no part of the package's front door.
import { runCommandLine } from "../../assay/src/terminal/command-line.ts";
import type { CaseResult } from "./case-result.ts";

const IDENTITY =
  "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
/** What a directory of cases alone does not bring: the suite's own artifact and trusted root. */
const SUITE = new URL("../cases/sigstore/", import.meta.url).pathname;
const ROOT = "production-trusted-root.json";
const ISSUER = "https://token.actions.githubusercontent.com";

/**
 * Runs `assay verify-bundle` on every case of a directory of sigstore-conformance's form, once with the artifact's
 * path and once with its digest. `directory` holds the cases, or a directory `bundle-verify` that does.
 */
export async function runBundles(directory: string, only = ""): Promise<readonly CaseResult[]> {
  const nested = join(directory, "bundle-verify");
  const cases = existsSync(nested) ? nested : directory;
  const names = readdirSync(cases, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(cases, entry.name, "bundle.sigstore.json")))
    .map(({ name }) => name)
    .sort();
  const results: CaseResult[] = [];
  for (const name of names.filter((text) => text.includes(only)))
    for (const form of ["file", "digest"] as const) results.push(await runBundle(cases, name, form));
  return results;
}

async function runBundle(cases: string, name: string, form: "file" | "digest"): Promise<CaseResult> {
  const wanted = name.endsWith("_fail") ? "refused" : "accepted";
  const { status, said } = await verifyBundle(argumentsOf(cases, name, form));
  const received = status === 0 ? "accepted" : "refused";
  const crashed = /internal error/.test(said);
  return {
    id: `${name} (${form})`,
    group: "bundles",
    outcome: received === wanted && !crashed ? "passed" : "failed",
    expected: wanted,
    received: `${received} with exit status ${status}: ${said.trim()}`,
  };
}

/** The protocol's arguments, always in this order. */
function argumentsOf(cases: string, name: string, form: "file" | "digest"): readonly string[] {
  const own = (file: string): string => join(cases, name, file);
  const text = (file: string, otherwise: string): string =>
    existsSync(own(file)) ? readFileSync(own(file), "utf8").trim() : otherwise;
  const artifact = firstThatExists(own("artifact"), join(cases, "a.txt"), `${SUITE}bundle-verify/a.txt`);
  const root = firstThatExists(
    own("trusted_root.json"),
    join(cases, "..", ROOT),
    join(cases, ROOT),
    `${SUITE}${ROOT}`,
  );
  const signer = existsSync(own("key.pub"))
    ? ["--key", own("key.pub")]
    : [
        "--certificate-identity",
        text("identity", IDENTITY),
        "--certificate-oidc-issuer",
        text("issuer", ISSUER),
      ];
  const digest = createHash("sha256").update(readFileSync(artifact)).digest("hex");
  return [
    "verify-bundle",
    "--bundle",
    own("bundle.sigstore.json"),
    ...signer,
    "--trusted-root",
    root,
    form === "file" ? artifact : `sha256:${digest}`,
  ];
}

function firstThatExists(...paths: readonly string[]): string {
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of these exists: ${paths.join(", ")}`);
  return found;
}

async function verifyBundle(
  args: readonly string[],
): Promise<{ readonly status: number; readonly said: string }> {
  let said = "";
  const write = (text: string): void => {
    said += text;
  };
  const terminal: Parameters<typeof runCommandLine>[1] = {
    out: write,
    err: write,
    warn: write,
    stdin: async () => "",
    color: false,
    progress: false,
    width: 100,
    env: {},
    cwd: process.cwd(),
    now: () => new Date(),
    signal: new AbortController().signal,
  };
  const status = await runCommandLine(args, terminal, commands);
  return { status, said };
}
