import { createECDH, createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import {
  createRegistry,
  createSigstore,
  custom,
  image,
  predicate,
  type SigningKey,
  type SignOptions,
  slsa,
  spdx,
  vuln,
  writeLayout,
} from "@assay/testkit";

/** When everything was built, scanned and signed; `demo.ts` judges an hour later. */
const AT = new Date("2026-11-23T11:00:00Z");
const STALE = "2026-11-20T11:00:00Z";
const GITHUB = "https://token.actions.githubusercontent.com";
const GENERATOR =
  "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml";
const BUILD_TYPE = "https://github.com/slsa-framework/slsa-github-generator";

/** What the SLSA generator really writes: its `buildType` and `builder.id` name a version. */
const realProvenance = {
  version: "0.2",
  builder: `${GENERATOR}@refs/tags/v1.9.0`,
  buildType: `${BUILD_TYPE}/container@v1`,
  fields: { invocation: { configSource: { uri: "git+https://github.com/acme/app@refs/heads/main" } } },
} as const;
/** What the page's policies expect it to write. */
const literalProvenance = { version: "0.2", builder: GENERATOR, buildType: BUILD_TYPE } as const;

/** `cosign attest --type vuln` goes through a Go struct that has no `scanner.name`. */
function cosignVuln(finishedOn: string): ReturnType<typeof predicate> {
  const scanner = { uri: "pkg:github/aquasecurity/trivy@0.60.0", version: "0.60.0", result: { Results: [] } };
  return predicate("https://cosign.sigstore.dev/attestation/vuln/v1", {
    invocation: { parameters: [], uri: "", event_id: "", "builder.id": "" },
    scanner,
    metadata: { scanStartedOn: finishedOn, scanFinishedOn: finishedOn },
  });
}

/** A key that anyone can make again: nothing may ever trust it. */
function exampleKey(sentence: string): SigningKey {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(createHash("sha256").update(sentence).digest());
  const point = ecdh.getPublicKey();
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
    d: ecdh.getPrivateKey().toString("base64url"),
  };
  const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
  const publicKey = createPublicKey(privateKey);
  return {
    kind: "p256",
    privateKey,
    publicKey,
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    spki: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
  };
}

async function main(): Promise<void> {
  const sigstore = createSigstore({ clock: () => AT });
  const registry = createRegistry();
  const release = exampleKey("assay examples: signing key");
  const stranger = exampleKey("assay examples: another key");
  const workflow = sigstore.identity({
    issuer: GITHUB,
    subject: "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main",
  });
  const generator = sigstore.identity({ issuer: GITHUB, subject: `${GENERATOR}@refs/tags/v1.9.0` });
  const evil = sigstore.identity({
    issuer: GITHUB,
    subject: "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main",
  });
  const logged: SignOptions = { log: sigstore.rekor, at: AT };
  const named = (repository: string, tag = "v1.2.3"): ReturnType<typeof image> =>
    image({ repository, tag }).using(logged);

  // For the first policy's key rule.
  const real = slsa(realProvenance);
  named("signed")
    .signedBy(release)
    .attested(custom({ buildType: BUILD_TYPE }, AT.toISOString()))
    .pushTo(registry);
  named("unsigned", "latest").pushTo(registry);
  named("other-key").signedBy(stranger).attested(custom({ buildType: BUILD_TYPE }, AT.toISOString())).pushTo(registry);
  const app = named("app").signedBy(release).attested(custom(real.predicate, AT.toISOString()), real);
  app.pushTo(registry);
  named("copied").carrying(...app.artifacts).pushTo(registry);

  // For its keyless rule.
  named("sigstore/app").signedBy(workflow).attestedBy(generator, real).pushTo(registry);
  named("sigstore/by-the-letter").signedBy(workflow).attested(slsa(literalProvenance)).pushTo(registry);
  named("sigstore/stranger").signedBy(evil).attestedBy(generator, real).pushTo(registry);

  // For the second policy.
  const sbom = spdx();
  const scannedAt = AT.toISOString();
  named("prod/by-the-letter")
    .signedBy(release)
    .attested(slsa(literalProvenance), sbom, vuln({ finishedOn: scannedAt }))
    .pushTo(registry);
  named("prod/app").signedBy(release).attested(real, sbom, cosignVuln(scannedAt)).pushTo(registry);
  named("prod/stale").signedBy(release).attested(real, sbom, cosignVuln(STALE)).pushTo(registry);

  const directory = new URL("images/", import.meta.url);
  await rm(directory, { recursive: true, force: true });
  await writeLayout(registry, directory.pathname);
  await writeFile(new URL("trusted-root.json", import.meta.url), `${sigstore.trustedRoot()}\n`);
  await writeFile(new URL("key.pub", import.meta.url), release.pem);
}

await main();
