// The interop lane: real registry processes on loopback, and the real cosign where it could be built. Called by
// scripts/lanes/interop.lane.sh, which says where the tools are. The last line is `N passed, N failed`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadFixtures, runFixtures } from "../run-fixtures.ts";
import { checkAgreement } from "./agreement.ts";
import { type Checks, collectChecks } from "./checks.ts";
import { cosignAt } from "./cosign.ts";
import { checkKeyless } from "./keyless.ts";
import { checkLogLookup } from "./log-lookup.ts";
import { checkManifestSignatures } from "./manifest-signatures.ts";
import { checkPagePolicies } from "./page-policies.ts";
import { type RegistryProcess, startDockerRegistry, startReferrersRegistry } from "./processes.ts";
import { pushLayout } from "./push.ts";
import { checkSecured } from "./secured.ts";
import { checkTimestamps } from "./timestamps.ts";
import { checkVault } from "./vault.ts";

const FIXTURES = new URL("../../cases/fixtures/", import.meta.url).pathname;
const { ASSAY_DOCKER_REGISTRY, ASSAY_REFERRERS_REGISTRY, ASSAY_COSIGN, ASSAY_VAULT } = process.env;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const checks = collectChecks(print);
const directory = mkdtempSync(join(tmpdir(), "assay-interop-"));
const registries: RegistryProcess[] = [];
try {
  registries.push(...(await startRegistries()));
  await checkFixtures(checks);
  if (ASSAY_COSIGN) await checkCosign(ASSAY_COSIGN);
} catch (error) {
  checks.that("the lane runs to its end", false, error instanceof Error ? error.stack : String(error));
} finally {
  for (const registry of registries) registry.stop();
  rmSync(directory, { recursive: true, force: true });
}
print(`${checks.passed()} passed, ${checks.failed()} failed`);
process.exitCode = checks.failed() === 0 ? 0 : 1;

/** The fixtures name these two ports: without the referrers API, and with it. */
async function startRegistries(): Promise<readonly RegistryProcess[]> {
  const started: RegistryProcess[] = [];
  if (ASSAY_DOCKER_REGISTRY)
    started.push(
      await startDockerRegistry(ASSAY_DOCKER_REGISTRY, "127.0.0.1:5001", join(directory, "registry")),
    );
  if (ASSAY_REFERRERS_REGISTRY)
    started.push(await startReferrersRegistry(ASSAY_REFERRERS_REGISTRY, "127.0.0.1:5002"));
  return started;
}

/** Every case of `cases.json`, with the images read from the registry processes. */
async function checkFixtures(into: Checks): Promise<void> {
  const layouts = { "127.0.0.1:5001": "images/tags", "127.0.0.1:5002": "images/referrers" } as const;
  const served = registries.map(({ host }) => host);
  for (const registry of registries)
    for (const [host, layout] of Object.entries(layouts))
      if (host === registry.host) await pushLayout(registry, join(FIXTURES, layout));
  const set = loadFixtures(FIXTURES);
  const reachable = set.cases.filter(({ resource }) =>
    served.some((host) => resource.includes(`-${host.split(":")[1]}-`)),
  );
  const results = await runFixtures({ ...set, cases: reachable }, { live: true });
  for (const { id, outcome, expected, received } of results)
    into.that(
      `fixture ${id}, from the registry process`,
      outcome === "passed",
      `expected ${expected}\nreceived ${received}`,
    );
}

async function checkCosign(binary: string): Promise<void> {
  const cosign = cosignAt(binary, join(directory, "cosign"));
  const keys = {
    ecdsa: cosign.createKey("ecdsa", "ecdsa"),
    rsa: cosign.createKey("rsa", "rsa"),
    p384: cosign.createKey("p384", "p384"),
    p521: cosign.createKey("p521", "p521"),
    ed25519: cosign.createKey("ed25519", "ed25519"),
    stranger: cosign.createKey("stranger", "ecdsa"),
  };
  for (const registry of registries) {
    const interop = { cosign, registry, checks, keys };
    await checkAgreement(interop);
    await checkPagePolicies(interop, join(directory, "policies"));
    await checkKeyless(interop, join(directory, "keyless"));
    await checkManifestSignatures(interop, join(directory, "manifests"));
    await checkTimestamps(interop, join(directory, "timestamps"));
    if (!registry.referrersApi) await checkLogLookup(interop, join(directory, "log"));
    if (!registry.referrersApi && ASSAY_DOCKER_REGISTRY)
      await checkSecured(interop, {
        binary: ASSAY_DOCKER_REGISTRY,
        storage: join(directory, "registry/data"),
        directory: join(directory, "secured"),
      });
    if (!registry.referrersApi && ASSAY_VAULT) await checkVault(interop, ASSAY_VAULT);
  }
}
