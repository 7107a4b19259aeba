import { readFileSync } from "node:fs";
import { type Digest, parseDigest } from "@assay/image";
import { parseTrustRoot, type TrustRoot } from "@assay/verify";
import { type BundleQuestion, verifyBundle } from "@assay/verify/bundle";
import { mutateBytes } from "./mutate.ts";
import type { Random } from "./random.ts";

const cases = new URL("../../../conformance/cases/sigstore/bundle-verify/", import.meta.url);
const workflows =
  "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows";
const subject = `${workflows}/extremely-dangerous-oidc-beacon.yml@refs/heads/main`;
const issuer = "https://token.actions.githubusercontent.com";
const now = new Date("2026-11-23T18:00:00Z");
const elsewhere: Digest = parseDigest(`sha256:${"0".repeat(64)}`);

/** Real bundles of every version: Rekor v1 and v2, promises, proofs and timestamps. */
export interface BundleSeed {
  readonly bytes: Buffer;
  readonly trust: TrustRoot;
}

export function loadBundles(): readonly [BundleSeed, ...BundleSeed[]] {
  const production = readFileSync(new URL("../production-trusted-root.json", cases), "utf8");
  const read = (name: string, root: string): BundleSeed => ({
    bytes: readFileSync(new URL(`${name}/bundle.sigstore.json`, cases)),
    trust: parseTrustRoot(root),
  });
  const own = (name: string): BundleSeed =>
    read(name, readFileSync(new URL(`${name}/trusted_root.json`, cases), "utf8"));
  return [
    read("happy-path-v0.1", production),
    read("happy-path-v0.2", production),
    read("happy-path-v0.3", production),
    ...[
      "rekor2-happy-path",
      "rekor2-dsse-happy-path",
      "rekor2-checkpoint-multiple-cosigs",
      "bundle-with-sct-with-extensions",
    ].map(own),
  ];
}

/** A changed bundle must never speak for another artifact or another signer, whatever else it still proves. */
export function fuzzBundle(seeds: readonly [BundleSeed, ...BundleSeed[]], rng: Random): void {
  const { bytes, trust } = rng.pick(seeds);
  const bundle = mutateBytes(bytes, rng);
  const artifact = { bytes: readFileSync(new URL("a.txt", cases)) };
  const wrong: readonly BundleQuestion[] = [
    { artifact: { digest: elsewhere }, signer: { subject, issuer }, trust, now },
    { artifact, signer: { subject: `${subject}x`, issuer }, trust, now },
    { artifact, signer: { subject, issuer: "https://other" }, trust, now },
  ];
  for (const question of wrong) {
    const { trace } = verifyBundle(bundle, question);
    if (trace.outcome === "pass") throw new Error("a bundle spoke for what it does not name");
    if (trace.code === "internal") throw new Error(`internal: ${trace.message}`);
  }
  const { trace } = verifyBundle(bundle, { artifact, signer: { subject, issuer }, trust, now });
  if (trace.code === "internal") throw new Error(`internal: ${trace.message}`);
}
