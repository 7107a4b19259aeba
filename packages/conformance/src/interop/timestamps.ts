import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSigstore } from "@assay/testkit";
import { GITHUB_ISSUER, GITHUB_SUBJECT, pem } from "@assay/testkit/parts";
import { assay, freshImage, type Interop } from "./agreement.ts";
import type { CosignFormat } from "./cosign.ts";
import { startServing } from "./processes.ts";
import type { TimestampLine } from "./timestamp-process.ts";

/**
 * The real cosign signs with a certificate that expired yesterday, and has the test kit's timestamp authority say by HTTP that
 * it was valid then. cosign and assay must agree on what that, and nothing less, proves.
 */
export async function checkTimestamps(interop: Interop, directory: string): Promise<void> {
  const where = join(directory, interop.registry.host.replace(":", "-"));
  mkdirSync(where, { recursive: true });
  const program = new URL("./timestamp-process.ts", import.meta.url).pathname;
  const { line, stop } = await startServing(process.execPath, ["--conditions=assay:source", program]);
  const { url, strangerUrl, authority } = JSON.parse(line) as TimestampLine;
  try {
    const certified = certify(interop, where, authority);
    for (const format of ["legacy", "bundle"] as const) {
      await check({ ...interop, ...certified, format }, "a timestamp", { url, accepted: true });
      await check({ ...interop, ...certified, format }, "no timestamp", { accepted: false });
      const another = { url: strangerUrl, accepted: false };
      await check({ ...interop, ...certified, format }, "another authority's timestamp", another);
    }
  } finally {
    stop();
  }
}

interface Certified {
  /** Flags of who signs. */
  readonly signing: readonly string[];
  /** Flags of who verifies. */
  readonly verifying: readonly string[];
}

/** cosign's key with a certificate of the test kit's Fulcio: ten minutes, a day ago. */
function certify({ keys }: Interop, directory: string, authority: TimestampLine["authority"]): Certified {
  const sigstore = createSigstore({ clock: () => new Date(Date.now() - 86_400_000 - 60_000) });
  const publicKey = createPublicKey(readFileSync(`${keys.ecdsa}.pub`));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const { certificate, chain = [] } = sigstore.identity({ edit: (spec) => ({ ...spec, spki }) });
  const [leaf, above, root] = ["leaf.pem", "chain.pem", "root.json"].map((name) => join(directory, name));
  writeFileSync(leaf ?? "", pem(certificate ?? new Uint8Array(), "CERTIFICATE"));
  writeFileSync(above ?? "", chain.map((der) => pem(der, "CERTIFICATE")).join(""));
  writeFileSync(
    root ?? "",
    sigstore.trustedRoot((trusted) => ({ ...trusted, timestampAuthorities: [authority] })),
  );
  return {
    signing: ["--certificate", leaf ?? "", "--certificate-chain", above ?? ""],
    verifying: [
      ...["--trusted-root", root ?? "", "--insecure-ignore-tlog"],
      ...["--certificate-identity", GITHUB_SUBJECT, "--certificate-oidc-issuer", GITHUB_ISSUER],
    ],
  };
}

async function check(
  interop: Interop & Certified & { readonly format: CosignFormat },
  sentence: string,
  { url, accepted }: { readonly url?: string; readonly accepted: boolean },
): Promise<void> {
  const { cosign, keys, checks, registry, format, signing, verifying } = interop;
  const image = await freshImage(interop, `${format}-${sentence.replaceAll(/[^a-z]+/g, "-")}`);
  const timestamped = url === undefined ? [] : ["--timestamp-server-url", url];
  cosign.sign(image.byDigest, keys.ecdsa, format, [...signing, ...timestamped]);
  const ours = assay("verify", ...verifying, image.byTag);
  const theirs = cosign.run("verify", ...verifying, "--use-signed-timestamps", image.byTag);
  checks.that(
    `${registry.host}: ${format}: an expired certificate with ${sentence}: both ${accepted ? "accept" : "reject"}`,
    (theirs.status === 0) === accepted && ours.status === (accepted ? 0 : 1),
    `assay (${ours.status}): ${ours.output}\ncosign (${theirs.status}): ${theirs.output.slice(0, 600)}`,
  );
}
