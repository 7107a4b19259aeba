import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSigstore, type Sigstore } from "@assay/testkit";
import { GITHUB_ISSUER, GITHUB_SUBJECT, pem } from "@assay/testkit/parts";
import { assay, type FreshImage, freshImage, type Interop } from "./agreement.ts";
import { loggedAt } from "./cosign.ts";
import { type Ended, startServing } from "./processes.ts";
import { pullManifest, pushManifest } from "./push.ts";
import type { RekorLine } from "./rekor-process.ts";

const ENTRY = "dev.sigstore.cosign/bundle";

/** Both accept, or assay denies with this code and cosign rejects. */
type Answer = "accepts" | "untrustedSigner" | "identityMismatch" | "logMismatch" | "logMissing";

/** What the lookups need beside the rest: the log, and trust roots that name an address of it. */
interface Lookups extends Interop {
  readonly log: RekorLine;
  readonly rootAt: (url: string) => string;
  readonly directory: string;
}

/**
 * The real cosign signs and logs in the test kit's Rekor; then the layer loses the annotation that holds the entry.
 * cosign and assay, with and without leave to ask the log, are asked about each image.
 */
export async function checkLogLookup(interop: Interop, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const program = new URL("./rekor-process.ts", import.meta.url).pathname;
  const { line, stop } = await startServing(process.execPath, ["--conditions=assay:source", program]);
  const log = JSON.parse(line) as RekorLine;
  const sigstore = createSigstore({ clock: () => new Date() });
  const rootAt = (url: string): string => {
    const path = join(directory, `root-${new URL(url).port}.json`);
    const tlogs = [{ ...log.tlog, baseUrl: url }];
    writeFileSync(
      path,
      sigstore.trustedRoot((root) => ({ ...root, tlogs })),
    );
    return path;
  };
  const lookups = { ...interop, log, rootAt, directory };
  try {
    // The first that is logged: it is what the lying log answers.
    const donor = await checkOwnEntry(lookups);
    await checkForeignEntries(lookups, donor);
    await checkCertificate(lookups, sigstore);
    await checkAttestation(lookups);
  } finally {
    stop();
  }
  await checkNobodyThere(lookups);
}

/** Returns the entry that the image lost. */
async function checkOwnEntry(lookups: Lookups): Promise<string> {
  const { cosign, keys, log } = lookups;
  const image = await freshImage(lookups, "logged");
  cosign.sign(image.byDigest, keys.ecdsa, "legacy", loggedAt(log.url));
  const flags = byKey(keys.ecdsa);
  check(lookups, "a signature with its entry", { image, flags }, ["accepts", "accepts"]);
  const entry = await editEntry(lookups, { image, suffix: "sig" });
  check(lookups, "a signature that lost its entry", { image, flags }, ["logMissing", "accepts"]);
  const another = byKey(keys.stranger);
  check(lookups, "a signature that lost its entry, for another key", { image, flags: another }, [
    "untrustedSigner",
    "untrustedSigner",
  ]);
  return entry;
}

/** Signatures that nobody logged, and genuine entries of something else. */
async function checkForeignEntries(lookups: Lookups, foreign: string): Promise<void> {
  const { cosign, keys, log } = lookups;
  const image = await freshImage(lookups, "unlogged");
  const flags = byKey(keys.ecdsa);
  cosign.sign(image.byDigest, keys.ecdsa, "legacy");
  check(lookups, "a signature that nobody logged", { image, flags }, ["logMissing", "logMissing"]);
  // cosign never compares what the log answers with what it asked for: any entry that verifies will do.
  const lied = { assay: "logMismatch", cosign: "accepts" } as const;
  const url = log.lyingUrl;
  check(lookups, "a log that answers with another image's entry", { image, flags, url }, [
    "logMissing",
    lied,
  ]);
  await editEntry(lookups, { image, suffix: "sig" }, foreign);
  check(lookups, "another image's entry on the layer", { image, flags }, ["logMismatch", "logMismatch"]);
  // The same claim, signed and logged by one key, and signed by another.
  const two = await freshImage(lookups, "logged-by-another");
  cosign.sign(two.byDigest, keys.stranger, "legacy", loggedAt(log.url));
  const stranger = await editEntry(lookups, { image: two, suffix: "sig" });
  cosign.sign(two.byDigest, keys.ecdsa, "legacy");
  await editEntry(lookups, { image: two, suffix: "sig" }, stranger);
  check(lookups, "another key's entry on the layer", { image: two, flags }, ["logMismatch", "logMismatch"]);
}

/** cosign's key with a certificate of the test kit's Fulcio, and the log says when it signed. */
async function checkCertificate(lookups: Lookups, sigstore: Sigstore): Promise<void> {
  const { cosign, keys, log, directory } = lookups;
  const publicKey = createPublicKey(readFileSync(`${keys.ecdsa}.pub`));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const { certificate, chain = [] } = sigstore.identity({ edit: (spec) => ({ ...spec, spki }) });
  const [leaf, above] = [join(directory, "leaf.pem"), join(directory, "chain.pem")];
  writeFileSync(leaf, pem(certificate ?? new Uint8Array(), "CERTIFICATE"));
  writeFileSync(above, chain.map((der) => pem(der, "CERTIFICATE")).join(""));
  const image = await freshImage(lookups, "logged-keyless");
  const certified = ["--certificate", leaf, "--certificate-chain", above];
  cosign.sign(image.byDigest, keys.ecdsa, "legacy", [...loggedAt(log.url), ...certified]);
  const flags = byIdentity(GITHUB_SUBJECT);
  check(lookups, "an identity's signature with its entry", { image, flags }, ["accepts", "accepts"]);
  await editEntry(lookups, { image, suffix: "sig" });
  check(lookups, "an identity's signature that lost its entry", { image, flags }, ["logMissing", "accepts"]);
  const evil = byIdentity(GITHUB_SUBJECT.replace("acme", "evil"));
  check(lookups, "an identity's signature that lost its entry, for another", { image, flags: evil }, [
    "identityMismatch",
    "identityMismatch",
  ]);
}

async function checkAttestation(lookups: Lookups): Promise<void> {
  const { cosign, keys, log } = lookups;
  const image = await freshImage(lookups, "logged-attested");
  const what = { type: "custom", predicate: { version: 1 }, format: "legacy" } as const;
  cosign.attest(image.byDigest, keys.ecdsa, { ...what, more: loggedAt(log.url) });
  await editEntry(lookups, { image, suffix: "att" });
  const asked = { image, type: "custom" };
  const lost = "an attestation that lost its entry";
  check(lookups, lost, { ...asked, flags: byKey(keys.ecdsa) }, ["logMissing", "accepts"]);
  const another = byKey(keys.stranger);
  check(lookups, `${lost}, for another key`, { ...asked, flags: another }, [
    "untrustedSigner",
    "untrustedSigner",
  ]);
}

/** That a log cannot be asked is no answer: assay does not call the entry missing. */
async function checkNobodyThere(lookups: Lookups): Promise<void> {
  const { checks, cosign, keys, log } = lookups;
  const image = await freshImage(lookups, "log-is-down");
  cosign.sign(image.byDigest, keys.ecdsa, "legacy");
  const asked = [...byKey(keys.ecdsa), "--trusted-root", lookups.rootAt(log.url)];
  const theirs = cosign.run("verify", ...asked, "--rekor-url", log.url, image.byTag);
  const ours = assay("verify", ...asked, "--log-lookup", "whenMissing", image.byTag);
  checks.that(
    "log lookup: nobody there: assay could not decide (exit status 2), cosign rejects",
    ours.status === 2 && theirs.status !== 0,
    `assay (${ours.status}): ${ours.output}\ncosign (${theirs.status}): ${theirs.output.slice(0, 600)}`,
  );
}

interface Asked {
  readonly image: FreshImage;
  readonly flags: readonly string[];
  /** Asks for an attestation of this type instead of a signature. */
  readonly type?: string;
  /** Where the log is. Default: where it answers truly. */
  readonly url?: string;
}

/** Asks both twice: the log must not be asked, and may be. */
function check(
  lookups: Lookups,
  sentence: string,
  { image, flags, type, url = lookups.log.url }: Asked,
  [silent, asking]: readonly [Answer, Answer | { readonly assay: Answer; readonly cosign: "accepts" }],
): void {
  const { checks, cosign, rootAt } = lookups;
  const command = type === undefined ? "verify" : "verify-attestation";
  const asked = [...flags, "--trusted-root", rootAt(url), ...(type === undefined ? [] : ["--type", type])];
  const rows = [
    ["not asked", silent, "never", "--offline=true"],
    ["asked", asking, "whenMissing", "--offline=false"],
  ] as const;
  for (const [how, expected, leave, offline] of rows) {
    const wanted =
      typeof expected === "string"
        ? { assay: expected, cosign: expected === "accepts" ? "accepts" : "rejects" }
        : expected;
    const ours = assay("verify", ...asked, "--log-lookup", leave, "-o", "json", image.byTag);
    const theirs = cosign.run(command, ...asked, "--rekor-url", url, offline, image.byTag);
    const got = { assay: answerOf(ours), cosign: theirs.status === 0 ? "accepts" : "rejects" };
    checks.that(
      `log lookup: ${sentence}: log ${how}: assay ${wanted.assay}, cosign ${wanted.cosign}`,
      got.assay === wanted.assay && got.cosign === wanted.cosign,
      `assay (${got.assay}): ${ours.output.slice(0, 900)}\ncosign (${theirs.status}): ${theirs.output.slice(0, 600)}`,
    );
  }
}

/** `accepts`, the code of the denial, or what else came of it. */
function answerOf({ status, output }: Ended): string {
  if (status === 0) return "accepts";
  const code = /"results": \[\s*\{[^{}]*?"code": "(\w+)"/.exec(output)?.[1];
  return status === 1 && code !== undefined ? code : `exit status ${status}`;
}

/**
 * Leaves the newest layer of a signature or attestation image, with another entry or none. Returns the one that was
 * there.
 */
async function editEntry(
  { registry }: Lookups,
  { image, suffix }: { readonly image: FreshImage; readonly suffix: "sig" | "att" },
  after?: string,
): Promise<string> {
  const reference = `${image.digest.replace(":", "-")}.${suffix}`;
  const { bytes, mediaType } = await pullManifest(registry, image.name, reference);
  const manifest = JSON.parse(bytes.toString("utf8")) as {
    layers: { annotations: Record<string, string> }[];
  };
  const newest = manifest.layers.at(-1);
  const { [ENTRY]: before = "", ...others } = newest?.annotations ?? {};
  const annotations = after === undefined ? others : { ...others, [ENTRY]: after };
  const edited = JSON.stringify({ ...manifest, layers: [{ ...newest, annotations }] });
  await pushManifest(registry, { name: image.name, reference, mediaType }, Buffer.from(edited));
  return before;
}

function byKey(key: string): readonly string[] {
  return ["--key", `${key}.pub`];
}

function byIdentity(subject: string): readonly string[] {
  return ["--certificate-identity", subject, "--certificate-oidc-issuer", GITHUB_ISSUER];
}
