import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createKey,
  createSigstore,
  image,
  type Signer,
  type SignOptions,
  type Sigstore,
  type TestImage,
} from "@assay/testkit";
import { GITHUB_ISSUER, GITHUB_SUBJECT } from "@assay/testkit/parts";
import { assay, type Interop } from "./agreement.ts";
import { pushImages } from "./push.ts";

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MESSAGE = { format: "bundle-v0.3", content: "message" } as const;

/** One image with one bundle on it, and what is asked of it. */
interface Row {
  readonly sentence: string;
  readonly made: TestImage;
  /** Key, identity and log, in words that `assay verify`, `cosign verify` and `cosign verify-blob` share. */
  readonly flags: readonly string[];
  /** What cosign has to be told and assay finds out. */
  readonly cosignFlags?: readonly string[];
  readonly accepted: boolean;
  /** Why `cosign verify` rejects what `verify-blob` accepts. Default: it verified the bundle, and misses a statement. */
  readonly reason?: string;
}

/**
 * Bundles that sign the image's manifest itself, made by the real cosign and by the test kit. `cosign verify-blob` over
 * the manifest's bytes and assay must agree on each. `cosign verify` takes none of them for the image's signature: it
 * verifies the bundle, and then wants a statement. To assay whoever signs the manifest signs the image (decision 11).
 */
export async function checkManifestSignatures(interop: Interop, directory: string): Promise<void> {
  const { registry } = interop;
  const here = join(directory, registry.host.replace(":", "-"));
  mkdirSync(here, { recursive: true });
  const rows = [...rowsByCosign(interop, here), ...rowsByTestKit(here)];
  const images = rows.map(({ made }) => made);
  await pushImages(registry, images, join(here, "layout"));
  for (const row of rows) ask(interop, row, here);
}

function ask({ cosign, checks, registry }: Interop, row: Row, directory: string): void {
  const { sentence, made, flags, cosignFlags = [], accepted } = row;
  const { reason = "bundle does not contain a DSSE envelope" } = row;
  const name = `${registry.host}/${made.repository}:${made.tag}`;
  const [manifest, bundle] = [join(directory, "manifest"), join(directory, "bundle")];
  writeFileSync(manifest, made.manifest);
  writeFileSync(bundle, bundleOf(made));
  const ours = assay("verify", name, ...flags);
  const theirs = cosign.run("verify-blob", ...flags, ...cosignFlags, "--bundle", bundle, manifest);
  const asImage = cosign.run("verify", ...flags, ...cosignFlags, name);
  checks.that(
    `${registry.host}: manifest signed by ${sentence}: assay and verify-blob ${accepted ? "accept" : "reject"}, cosign verify rejects`,
    ours.status === (accepted ? 0 : 1) &&
      (theirs.status === 0) === accepted &&
      asImage.status !== 0 &&
      asImage.output.includes(reason) === accepted,
    [
      `assay (${ours.status}): ${ours.output}`,
      `verify-blob (${theirs.status}): ${theirs.output.slice(0, 600)}`,
      `cosign verify (${asImage.status}): ${asImage.output.slice(0, 600)}`,
    ].join("\n"),
  );
}

function bundleOf({ artifacts: [artifact] }: TestImage): Uint8Array {
  if (artifact?.kind !== "bundle") throw new Error("no bundle hangs on the image");
  return artifact.bytes;
}

/** `cosign sign-blob` over the manifest's file, and the bundle pushed as a referrer. */
function rowsByCosign({ cosign, keys }: Interop, directory: string): readonly Row[] {
  const unsigned = (name: string): TestImage => image({ repository: `manifests/cosign-${name}` });
  const signed = (name: string, key: string): TestImage => {
    const plain = unsigned(name);
    const file = join(directory, name);
    writeFileSync(file, plain.manifest);
    const bytes = readFileSync(cosign.signBlob(file, key));
    const annotations = { "dev.sigstore.bundle.content": "message-signature" };
    return plain.carrying({ kind: "bundle", holds: "signature", bytes, mediaType: MEDIA_TYPE, annotations });
  };
  const by = (key: string): readonly string[] => ["--key", `${key}.pub`, "--insecure-ignore-tlog"];
  const sha384 = ["--signature-digest-algorithm", "sha384"];
  const [ecdsa, p384] = [signed("ecdsa", keys.ecdsa), signed("p384", keys.p384)];
  return [
    { sentence: "cosign, ECDSA", made: ecdsa, flags: by(keys.ecdsa), accepted: true },
    { sentence: "cosign, another key", made: ecdsa, flags: by(keys.stranger), accepted: false },
    {
      sentence: "cosign, RSA",
      made: signed("rsa", keys.rsa),
      flags: by(keys.rsa),
      accepted: true,
    },
    {
      sentence: "cosign, P-384, told sha384",
      made: p384,
      flags: [...by(keys.p384), ...sha384],
      accepted: true,
      // It knows the image by its SHA-256 alone.
      reason: "artifact does not match digest",
    },
    { sentence: "cosign, P-384, not told", made: p384, flags: by(keys.p384), accepted: false },
    {
      // cosign leaves the digest out of its own bundle, and refuses it then.
      sentence: "cosign, Ed25519",
      made: signed("ed25519", keys.ed25519),
      flags: by(keys.ed25519),
      accepted: false,
    },
    {
      sentence: "cosign, another image's",
      made: unsigned("moved").carrying(...ecdsa.artifacts),
      flags: by(keys.ecdsa),
      accepted: false,
    },
  ];
}

function rowsByTestKit(directory: string): readonly Row[] {
  const sigstore = createSigstore({ clock: () => new Date(Date.now() - 86_400_000) });
  const root = join(directory, "trusted_root.json");
  writeFileSync(root, sigstore.trustedRoot());
  const key = createKey();
  const file = join(directory, "testkit.pub");
  writeFileSync(file, key.pem);
  return [
    ...keyRows(sigstore, key, { offline: ["--key", file], logged: ["--key", file, "--trusted-root", root] }),
    ...keylessRows(sigstore, [
      ...["--trusted-root", root, "--certificate-identity", GITHUB_SUBJECT],
      ...["--certificate-oidc-issuer", GITHUB_ISSUER],
    ]),
  ];
}

function keyRows(
  { rekor }: Sigstore,
  key: Signer,
  { offline, logged }: Readonly<Record<"offline" | "logged", readonly string[]>>,
): readonly Row[] {
  const unlogged = signedAs("key", key, {});
  return [
    {
      sentence: "a key, no log",
      made: unlogged,
      flags: [...offline, "--insecure-ignore-tlog"],
      accepted: true,
    },
    { sentence: "a key, no log where one is wanted", made: unlogged, flags: logged, accepted: false },
    {
      sentence: "a key, Rekor v1",
      made: signedAs("key-logged", key, { log: rekor }),
      flags: logged,
      accepted: true,
    },
  ];
}

function keylessRows(sigstore: Sigstore, flags: readonly string[]): readonly Row[] {
  const { rekorV2, timestampAuthority } = sigstore;
  const signer = sigstore.identity();
  const evil = sigstore.identity({ subject: GITHUB_SUBJECT.replace("acme", "evil") });
  const stranger = createSigstore({ clock: sigstore.clock }).identity();
  const right = signedAs("keyless", signer, {});
  const moved = image({ repository: "manifests/keyless-moved" }).carrying(...right.artifacts);
  return [
    { sentence: "an identity, Rekor v1", made: right, flags, accepted: true },
    {
      sentence: "an identity, Rekor v2 and a timestamp",
      made: signedAs("keyless-v2", signer, { log: rekorV2, timestampAuthority }),
      ...{ flags, cosignFlags: ["--use-signed-timestamps"], accepted: true },
    },
    {
      sentence: "another repository's identity",
      made: signedAs("keyless-evil", evil, {}),
      ...{ flags, accepted: false },
    },
    {
      sentence: "the right name by another authority",
      made: signedAs("keyless-stranger", stranger, {}),
      ...{ flags, accepted: false },
    },
    { sentence: "an identity, another image's", made: moved, flags, accepted: false },
  ];
}

function signedAs(name: string, signer: Signer, options: SignOptions): TestImage {
  return image({ repository: `manifests/${name}` }).signedBy(signer, { ...MESSAGE, ...options });
}
