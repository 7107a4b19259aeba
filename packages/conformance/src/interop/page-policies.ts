import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../workspace.ts";
import { assay, freshImage, type Interop } from "./agreement.ts";

const BUILD_TYPE = "https://github.com/slsa-framework/slsa-github-generator";
const VULN = "https://cosign.sigstore.dev/attestation/vuln/v1";

/**
 * The two policies of the page that started the project, word for word but for key, host and log, on images that
 * cosign signed and attested so that their conditions hold, and on ones where one thing is amiss.
 */
export async function checkPagePolicies(interop: Interop, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await checkFirstPolicy(interop, directory);
  await checkSecondPolicy(interop, directory);
}

async function checkFirstPolicy(interop: Interop, directory: string): Promise<void> {
  const { cosign, keys } = interop;
  const policy = pagePolicy(interop, directory, "verify-image-signature.yaml");
  for (const format of ["legacy", "bundle"] as const) {
    const good = await freshImage(interop, `page-first-${format}`);
    cosign.sign(good.byDigest, keys.ecdsa, format);
    cosign.attest(good.byDigest, keys.ecdsa, {
      type: "custom",
      predicate: { buildType: BUILD_TYPE },
      format,
    });
    applySays(
      interop,
      `first policy, ${format}, custom attestation with Data`,
      { policy, image: good.byTag, directory },
      0,
    );
    const bad = await freshImage(interop, `page-first-${format}-other`);
    cosign.sign(bad.byDigest, keys.ecdsa, format);
    cosign.attest(bad.byDigest, keys.ecdsa, { type: "custom", predicate: { buildType: "other" }, format });
    applySays(
      interop,
      `first policy, ${format}, another buildType`,
      { policy, image: bad.byTag, directory },
      1,
    );
    const bare = await freshImage(interop, `page-first-${format}-bare`);
    cosign.sign(bare.byDigest, keys.ecdsa, format);
    applySays(
      interop,
      `first policy, ${format}, no attestation`,
      { policy, image: bare.byTag, directory },
      1,
    );
  }
}

async function checkSecondPolicy(interop: Interop, directory: string): Promise<void> {
  const { cosign, keys } = interop;
  const policy = pagePolicy(interop, directory, "verify-multiple-attestations.yaml");
  const configMap = join(directory, "configmap.yaml");
  const data = { "cosign-pub": readFileSync(`${keys.ecdsa}.pub`, "utf8") };
  const metadata = { name: "kyverno", namespace: "kyverno" };
  writeFileSync(configMap, JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data }));
  const recent = new Date(Date.now() - 3_600_000).toISOString();
  const stale = new Date(Date.now() - 72 * 3_600_000).toISOString();
  const rows = [
    ["a scan of the last hour", recent, VULN, 0],
    ["a scan of three days ago", stale, VULN, 1],
    ["a scan attested with --type vuln, which drops scanner.name", recent, "vuln", 1],
  ] as const;
  for (const format of ["legacy", "bundle"] as const) {
    for (const [i, [sentence, finished, vulnType, expected]] of rows.entries()) {
      const image = await freshImage(interop, `page-second-${format}-${i}`);
      cosign.sign(image.byDigest, keys.ecdsa, format);
      const predicates: readonly (readonly [string, unknown])[] = [
        ["slsaprovenance", { buildType: BUILD_TYPE, builder: { id: "b" }, materials: [] }],
        ["spdxjson", { spdxVersion: "SPDX-2.3", name: "app" }],
        [
          vulnType,
          {
            invocation: {},
            scanner: { name: "trivy", uri: "u", version: "1" },
            metadata: { scanStartedOn: finished, scanFinishedOn: finished },
          },
        ],
      ];
      for (const [type, predicate] of predicates)
        cosign.attest(image.byDigest, keys.ecdsa, { type, predicate, format });
      const asked = { policy, image: image.byTag, directory, configMap };
      applySays(interop, `second policy, ${format}, ${sentence}`, asked, expected);
    }
  }
}

/** The page's file with the placeholders filled in: our registry, cosign's fresh key, and no log, as we sign offline. */
function pagePolicy({ registry, keys }: Interop, directory: string, name: string): string {
  const pem = readFileSync(`${keys.ecdsa}.pub`, "utf8").trim();
  const indent = " ".repeat(22);
  const text = readFileSync(join(repository, "examples/policies", name), "utf8")
    .replaceAll(/registry\.example\.com\/(?:prod\/)?\*/g, `${registry.host}/interop/*`)
    .replace(
      /-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/,
      pem.replaceAll("\n", `\n${indent}`),
    )
    .replaceAll(/^( *)publicKeys:/gm, "$1rekor: { ignoreTlog: true }\n$1publicKeys:");
  const path = join(directory, `${registry.host.replace(":", "-")}-${name}`);
  writeFileSync(path, text);
  return path;
}

interface Asked {
  readonly policy: string;
  readonly image: string;
  readonly directory: string;
  readonly configMap?: string;
}

function applySays({ checks, registry }: Interop, sentence: string, asked: Asked, expected: 0 | 1): void {
  const pod = join(asked.directory, "pod.json");
  const spec = { containers: [{ name: "app", image: asked.image }] };
  writeFileSync(
    pod,
    JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "app", namespace: "default" }, spec }),
  );
  const configMap = asked.configMap === undefined ? [] : ["--configmap", asked.configMap];
  const { status, output } = assay(
    "apply",
    asked.policy,
    "--resource",
    pod,
    "--var",
    "ORG=acme",
    ...configMap,
  );
  const wanted = expected === 0 ? "allowed" : "denied";
  checks.that(
    `${registry.host}: ${sentence}: ${wanted}`,
    status === expected,
    `exit status ${status}: ${output}`,
  );
}
