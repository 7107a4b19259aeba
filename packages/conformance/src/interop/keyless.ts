import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createSigstore,
  image,
  type Predicate,
  type Signer,
  type SignOptions,
  type Sigstore,
  slsa,
  type TestImage,
} from "@assay/testkit";
import { assay } from "./agreement.ts";
import type { Checks } from "./checks.ts";
import type { Cosign } from "./cosign.ts";
import { pushImages, type RegistryHost } from "./push.ts";

const ISSUER = "https://token.actions.githubusercontent.com";
const SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const EVIL = "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main";
const SLSA = "https://slsa.dev/provenance/v0.2";

interface Keyless {
  readonly cosign: Cosign;
  readonly registry: RegistryHost;
  readonly checks: Checks;
}

interface Row {
  readonly sentence: string;
  readonly made: TestImage;
  readonly accepted: boolean;
  readonly type?: string;
  /** What cosign has to be told and assay finds out. */
  readonly cosignFlags?: readonly string[];
}

/**
 * Keyless signatures by the test kit's certificate authority, logs and timestamp authority: the real cosign and assay
 * must agree on each. It shows that what our tests are built from is what cosign would accept, too.
 */
export async function checkKeyless({ cosign, registry, checks }: Keyless, directory: string): Promise<void> {
  const sigstore = createSigstore({ clock: () => new Date(Date.now() - 86_400_000) });
  const rows = rowsOf(sigstore);
  mkdirSync(directory, { recursive: true });
  const images = rows.map(({ made }) => made);
  await pushImages(registry, images, join(directory, `layout-${registry.host.replace(":", "-")}`));
  const root = join(directory, "trusted_root.json");
  writeFileSync(root, sigstore.trustedRoot());
  for (const { sentence, made, accepted, type, cosignFlags = [] } of rows) {
    const asked = {
      image: `${registry.host}/${made.repository}:${made.tag}`,
      root,
      ...(type === undefined ? {} : { type }),
    };
    const flags = [
      "--trusted-root",
      root,
      "--certificate-identity",
      SUBJECT,
      "--certificate-oidc-issuer",
      ISSUER,
    ];
    const typed = type === undefined ? [] : ["--type", type];
    const theirs = cosign.run(
      type === undefined ? "verify" : "verify-attestation",
      ...flags,
      ...typed,
      ...cosignFlags,
      asked.image,
    );
    const ours = assay("verify", asked.image, ...flags, ...typed);
    checks.that(
      `${registry.host}: keyless: ${sentence}: both ${accepted ? "accept" : "reject"}`,
      (theirs.status === 0) === accepted && ours.status === (accepted ? 0 : 1),
      `assay (${ours.status}): ${ours.output}\ncosign (${theirs.status}): ${theirs.output.slice(0, 600)}`,
    );
  }
}

function rowsOf(sigstore: Sigstore): readonly Row[] {
  const right = sigstore.identity({ subject: SUBJECT, issuer: ISSUER });
  const evil = sigstore.identity({ subject: EVIL, issuer: ISSUER });
  const otherIssuer = sigstore.identity({ subject: SUBJECT, issuer: "https://issuer.example" });
  const stranger = createSigstore({ clock: () => new Date(Date.now() - 86_400_000) }).identity({
    subject: SUBJECT,
    issuer: ISSUER,
  });
  const provenance = slsa({ version: "0.2", buildType: "https://build.example/1" });
  return [
    ...proofRows(sigstore, right, provenance),
    ...identityRows({ right, evil, otherIssuer, stranger }, provenance),
  ];
}

/** Every kind of proof that the test kit makes and cosign reads. */
function proofRows(sigstore: Sigstore, signer: Signer, provenance: Predicate): readonly Row[] {
  const { rekorV2, timestampAuthority } = sigstore;
  const signed: Readonly<Record<string, SignOptions>> = {
    "a promise and a timestamp": { timestampAuthority },
    "a bundle with Rekor v1's proof and a timestamp": {
      format: "bundle-v0.3",
      logEvidence: "proof",
      timestampAuthority,
    },
    "a bundle with Rekor v2 and a timestamp": { format: "bundle-v0.3", log: rekorV2, timestampAuthority },
  };
  const attested: Readonly<Record<string, SignOptions>> = {
    "an intoto/0.0.1 entry": { entryKind: "intoto001" },
    "an intoto/0.0.2 entry": { entryKind: "intoto002" },
    "a dsse/0.0.1 entry and a timestamp": { entryKind: "dsse", timestampAuthority },
    "a bundle with Rekor v2 and a timestamp": { format: "bundle-v0.3", log: rekorV2, timestampAuthority },
  };
  const named = (kind: string, name: string): TestImage =>
    image({ repository: `proofs/${kind}-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}` });
  const flagsOf = (options: SignOptions): Pick<Row, "cosignFlags"> =>
    options.timestampAuthority === undefined ? {} : { cosignFlags: ["--use-signed-timestamps"] };
  return [
    ...Object.entries(signed).map(([name, options]) => ({
      ...{ sentence: `a signature with ${name}`, accepted: true, ...flagsOf(options) },
      made: named("sig", name).using(options).signedBy(signer),
    })),
    ...Object.entries(attested).map(([name, options]) => ({
      ...{ sentence: `provenance with ${name}`, accepted: true, type: SLSA, ...flagsOf(options) },
      made: named("att", name).using(options).attestedBy(signer, provenance),
    })),
  ];
}

function identityRows(
  {
    right,
    evil,
    otherIssuer,
    stranger,
  }: Readonly<Record<"right" | "evil" | "otherIssuer" | "stranger", Signer>>,
  provenance: Predicate,
): readonly Row[] {
  return (["legacy", "bundle-v0.3"] as const).flatMap((format) => {
    const named = (name: string): TestImage =>
      image({ repository: `keyless/${format.replace(".", "-")}-${name}` }).using({ format });
    return [
      { sentence: `${format}, the right identity`, made: named("right").signedBy(right), accepted: true },
      {
        sentence: `${format}, another repository's identity`,
        made: named("evil").signedBy(evil),
        accepted: false,
      },
      { sentence: `${format}, another issuer`, made: named("issuer").signedBy(otherIssuer), accepted: false },
      {
        sentence: `${format}, another authority's certificate`,
        made: named("stranger").signedBy(stranger),
        accepted: false,
      },
      {
        sentence: `${format}, one of two identities`,
        made: named("two").signedBy(evil).signedBy(right),
        accepted: true,
      },
      {
        sentence: `${format}, provenance by the right identity`,
        made: named("att").signedBy(right).attested(provenance),
        accepted: true,
        type: SLSA,
      },
      {
        sentence: `${format}, provenance by another identity`,
        made: named("att-evil").attestedBy(evil, provenance),
        accepted: false,
        type: SLSA,
      },
    ];
  });
}
