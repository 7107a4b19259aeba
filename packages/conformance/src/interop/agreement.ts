import { join } from "node:path";
import { repository } from "../workspace.ts";
import type { Checks } from "./checks.ts";
import type { Cosign, CosignFormat, CosignKeyKind } from "./cosign.ts";
import { type Ended, run } from "./processes.ts";
import { pullManifest, pushImage, pushManifest, type RegistryHost } from "./push.ts";

/** What the agreement checks need. */
export interface Interop {
  readonly cosign: Cosign;
  readonly registry: RegistryHost;
  readonly checks: Checks;
  /** Keys that cosign made, by kind, and one that signs what it should not. */
  readonly keys: Readonly<Record<CosignKeyKind | "stranger", string>>;
}

type Answer = "accepts" | "rejects";

/** Runs the `assay` command from its sources. */
export function assay(...args: readonly string[]): Ended {
  return assayWith({}, ...args);
}

/** The same, with more in its environment. */
export function assayWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Ended {
  const cli = join(repository, "packages/assay/src/cli.ts");
  const flags = ["--conditions=assay:source", "--disable-warning=ExperimentalWarning"];
  return run(process.execPath, [...flags, cli, ...args], { cwd: repository, env });
}

/** cosign signs and attests fresh images of each kind; both are asked about each of them. */
export async function checkAgreement(interop: Interop): Promise<void> {
  for (const format of ["legacy", "bundle"] as const) {
    await checkSignatures(interop, format);
    await checkAttestations(interop, format);
  }
  await checkUnsigned(interop);
  await checkCopied(interop);
  await checkTampered(interop);
}

async function checkSignatures(interop: Interop, format: CosignFormat): Promise<void> {
  const { cosign, keys } = interop;
  for (const kind of ["ecdsa", "rsa"] as const) {
    const image = await freshImage(interop, `${format}-${kind}`);
    cosign.sign(image.byDigest, keys[kind], format);
    bothSay(interop, `${format} signature by ${kind}`, { image: image.byTag, key: keys[kind] }, "accepts");
    bothSay(
      interop,
      `${format} signature by ${kind}, by digest`,
      { image: image.byDigest, key: keys[kind] },
      "accepts",
    );
    bothSay(
      interop,
      `${format} signature by ${kind}, other key`,
      { image: image.byTag, key: keys.stranger },
      "rejects",
    );
  }
  await checkLongKeys(interop, format);
  const image = await freshImage(interop, `${format}-annotated`);
  cosign.sign(image.byDigest, keys.ecdsa, format, ["-a", "env=prod", "-a", "team=payments"]);
  const signed = { image: image.byTag, key: keys.ecdsa };
  bothSay(interop, `${format}: the signed annotation`, { ...signed, annotation: "env=prod" }, "accepts");
  bothSay(
    interop,
    `${format}: an annotation with another value`,
    { ...signed, annotation: "env=dev" },
    "rejects",
  );
  bothSay(
    interop,
    `${format}: an annotation that is missing`,
    { ...signed, annotation: "tier=1" },
    "rejects",
  );
  const two = await freshImage(interop, `${format}-two`);
  cosign.sign(two.byDigest, keys.stranger, format);
  cosign.sign(two.byDigest, keys.ecdsa, format);
  bothSay(
    interop,
    `${format}: one of two signatures is the right one`,
    { image: two.byTag, key: keys.ecdsa },
    "accepts",
  );
}

/** cosign signs with the digest algorithm of the curve, and verifies with SHA-256 unless told otherwise. */
async function checkLongKeys(interop: Interop, format: CosignFormat): Promise<void> {
  const { cosign, keys } = interop;
  for (const [kind, hash] of [
    ["p384", "sha384"],
    ["p521", "sha512"],
  ] as const) {
    const image = await freshImage(interop, `${format}-${kind}`);
    cosign.sign(image.byDigest, keys[kind], format);
    const asked = { image: image.byTag, key: keys[kind] };
    bothSay(interop, `${format} signature by ${kind}, told ${hash}`, { ...asked, hash }, "accepts");
    bothSay(interop, `${format} signature by ${kind}, not told`, asked, "rejects");
  }
}

/** cosign's `--type` to a predicate of it. */
const PREDICATES: Readonly<Record<string, unknown>> = {
  slsaprovenance: {
    builder: { id: "https://builder.example/1" },
    buildType: "https://build.example/1",
    materials: [],
  },
  slsaprovenance1: {
    buildDefinition: { buildType: "t", externalParameters: {} },
    runDetails: { builder: { id: "b" } },
  },
  spdxjson: { spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", name: "app", dataLicense: "CC0-1.0" },
  cyclonedx: { bomFormat: "CycloneDX", specVersion: "1.6", components: [] },
  vuln: {
    invocation: {},
    scanner: { uri: "pkg:scanner", version: "1" },
    metadata: { scanFinishedOn: "2026-11-23T10:00:00Z" },
  },
  openvex: { "@context": "https://openvex.dev/ns/v0.2.0", statements: [] },
  custom: { buildType: "https://build.example/1" },
  "https://example.com/predicate/v1": { anything: [1, 2, 3] },
};

async function checkAttestations(interop: Interop, format: CosignFormat): Promise<void> {
  const { cosign, keys } = interop;
  const image = await freshImage(interop, `${format}-attested`);
  for (const [type, predicate] of Object.entries(PREDICATES))
    cosign.attest(image.byDigest, keys.ecdsa, { type, predicate, format });
  for (const type of Object.keys(PREDICATES)) {
    const asked = { image: image.byTag, type };
    bothSay(interop, `${format} attestation of type ${type}`, { ...asked, key: keys.ecdsa }, "accepts");
    bothSay(
      interop,
      `${format} attestation of type ${type}, other key`,
      { ...asked, key: keys.stranger },
      "rejects",
    );
  }
  const missing = { image: image.byTag, key: keys.ecdsa, type: "https://example.com/predicate/v2" };
  bothSay(interop, `${format} attestation of a type that is not there`, missing, "rejects");
  // cosign takes any signed statement about the digest for a signature in the new format.
  const asked = { image: image.byTag, key: keys.ecdsa };
  const wanted = { assay: "rejects", cosign: format === "bundle" ? "accepts" : "rejects" } as const;
  bothSay(interop, `${format}: an attestation is no signature`, asked, wanted);
}

async function checkUnsigned(interop: Interop): Promise<void> {
  const { keys, registry } = interop;
  const image = await freshImage(interop, "unsigned");
  bothSay(interop, "an unsigned image", { image: image.byTag, key: keys.ecdsa }, "rejects");
  const nowhere = `${registry.host}/interop/nowhere:v1`;
  bothSay(interop, "an image that does not exist", { image: nowhere, key: keys.ecdsa }, "rejects");
}

/** The signature image of one image is put under the tag of another. */
async function checkCopied(interop: Interop): Promise<void> {
  const { cosign, keys, registry } = interop;
  const signed = await freshImage(interop, "donor");
  cosign.sign(signed.byDigest, keys.ecdsa, "legacy");
  const victim = await freshImage(interop, "victim", "donor");
  const { bytes, mediaType } = await pullManifest(registry, signed.name, signatureTag(signed.digest));
  const where = { name: signed.name, reference: signatureTag(victim.digest), mediaType };
  await pushManifest(registry, where, bytes);
  bothSay(
    interop,
    "a signature copied from another image",
    { image: victim.byDigest, key: keys.ecdsa },
    "rejects",
  );
}

async function checkTampered(interop: Interop): Promise<void> {
  const { cosign, keys, registry } = interop;
  const image = await freshImage(interop, "tampered");
  cosign.sign(image.byDigest, keys.ecdsa, "legacy");
  const tag = signatureTag(image.digest);
  const { bytes, mediaType } = await pullManifest(registry, image.name, tag);
  const text = bytes.toString("utf8");
  const signature = /"dev\.cosignproject\.cosign\/signature":"([^"]+)"/.exec(text)?.[1] ?? "";
  const flipped = Buffer.from(signature, "base64");
  flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
  const where = { name: image.name, reference: tag, mediaType };
  await pushManifest(registry, where, Buffer.from(text.replace(signature, flipped.toString("base64"))));
  bothSay(interop, "a signature with one flipped bit", { image: image.byTag, key: keys.ecdsa }, "rejects");
}

interface Asked {
  readonly image: string;
  readonly key: string;
  /** Asks for an attestation of this type instead of a signature. */
  readonly type?: string;
  readonly annotation?: string;
  /** Digest algorithm of the signature, where it is not SHA-256. */
  readonly hash?: string;
}

/** Asks both. Where cosign is known to answer otherwise, the reason is said beside the call. */
function bothSay(
  { cosign, checks, registry }: Interop,
  sentence: string,
  asked: Asked,
  expected: Answer | Readonly<Record<"assay" | "cosign", Answer>>,
): void {
  const flags = ["--key", `${asked.key}.pub`, "--insecure-ignore-tlog"];
  const annotation = asked.annotation === undefined ? [] : ["-a", asked.annotation];
  const hash = asked.hash === undefined ? [] : ["--signature-digest-algorithm", asked.hash];
  const type = asked.type === undefined ? [] : ["--type", asked.type];
  const ours = assay("verify", asked.image, ...flags, ...type, ...annotation, ...hash);
  const theirs =
    asked.type === undefined
      ? cosign.verify(asked.image, asked.key, [...annotation, ...hash])
      : cosign.verifyAttestation(asked.image, asked.key, asked.type);
  const wanted = typeof expected === "string" ? { assay: expected, cosign: expected } : expected;
  const got = {
    assay: ours.status === 0 ? "accepts" : "rejects",
    cosign: theirs.status === 0 ? "accepts" : "rejects",
  };
  // Exit status 2 is "could not be decided": no answer to a question about an image that is there to be read.
  const decided = ours.status === 0 || ours.status === 1;
  checks.that(
    `${registry.host}: ${sentence}: assay ${wanted.assay}, cosign ${wanted.cosign}`,
    decided && got.assay === wanted.assay && got.cosign === wanted.cosign,
    `assay (${ours.status}): ${ours.output}\ncosign (${theirs.status}): ${theirs.output.slice(0, 600)}`,
  );
}

/** An image that was just pushed, and how it is called. */
export interface FreshImage {
  readonly name: string;
  readonly digest: string;
  readonly byTag: string;
  readonly byDigest: string;
}

/** A new image, in a repository of its own or beside another. */
export async function freshImage(
  { registry }: Pick<Interop, "registry">,
  tag: string,
  beside?: string,
): Promise<FreshImage> {
  const name = `interop/${beside ?? tag}`;
  const digest = await pushImage(registry, name, tag);
  const repositoryName = `${registry.host}/${name}`;
  return { name, digest, byTag: `${repositoryName}:${tag}`, byDigest: `${repositoryName}@${digest}` };
}

function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}
