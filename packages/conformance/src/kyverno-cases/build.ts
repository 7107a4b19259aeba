import { createKey, type Predicate, predicate, type Signer, type TestImage } from "@assay/testkit";
import type { EvaluationRequest, JsonObject } from "assay";
import { createWorld, HOST, keyless } from "../world.ts";

// What Kyverno's own test cases are made of, with images of our own in place of theirs.

/** The registry and the Sigstore of the cases. */
export const world: ReturnType<typeof createWorld> = createWorld();
const [own, other] = [createKey(), createKey()];

/** PEM of the key that signs, and of somebody else's. */
export const pem: Readonly<Record<"own" | "other", string>> = { own: own.pem, other: other.pem };

const github = "https://token.actions.githubusercontent.com";
const workflows = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows";
const zulus = "https://github.com/chipzoller/zulu/.github/workflows";

/** Keyless subjects: who releases, who builds and who scans. */
export const subjects: Readonly<Record<"release" | "build" | "scan" | "example", string>> = {
  release: `${zulus}/slsa-generic-keyless.yaml@refs/tags/v*`,
  build: `${workflows}/generator_container_slsa3.yml@refs/heads/main`,
  scan: `${zulus}/vulnerability-scan.yaml@refs/heads/main`,
  example: "https://github.com/acme/example/.github/workflows/build-attested-image.yaml@refs/heads/main",
};

/** Predicate types, as the cases write them. */
export const types: Readonly<Record<"slsa" | "slsa1" | "scan" | "bom", string>> = {
  slsa: "https://slsa.dev/provenance/v0.2",
  slsa1: "https://slsa.dev/provenance/v1",
  scan: "cosign.sigstore.dev/attestation/vuln/v1",
  bom: "https://cyclonedx.org/schema",
};

const by = (subject: string): Signer =>
  world.sigstore.identity({ subject: subject.replace("*", "0.0.14"), issuer: github });

function pushed(name: string, build: (made: TestImage) => TestImage): string {
  return build(world.image(name)).pushTo(world.registry).reference;
}

function attested(name: string, subject: string, ...predicates: readonly Predicate[]): string {
  return pushed(name, (made) => made.attestedBy(by(subject), ...predicates));
}

const scannedAt = (time: string): Predicate =>
  predicate(types.scan, {
    scanner: { uri: "pkg:github/aquasecurity/trivy@0.34.0" },
    metadata: { scanFinishedOn: time },
  });
const built = predicate(types.slsa, { builder: { id: subjects.build } });
const workflow = { buildDefinition: { buildType: "https://actions.github.io/buildtypes/workflow/v1" } };
const withText = (version: string): Predicate =>
  predicate(types.bom, { bomFormat: "CycloneDX", components: [{ name: "commons-text", version }] });
const created = (timestamp: string): Predicate =>
  predicate("sbom/cyclone-dx", { bomFormat: "CycloneDX", metadata: { timestamp } });
const found = (...ids: readonly string[]): Predicate =>
  predicate("trivy/vulnerability", { Vulnerabilities: ids.map((id) => ({ VulnerabilityID: id })) });
const known = predicate("vex/cyclone-dx", { vulnerabilities: [{ id: "CVE-1" }, { id: "CVE-2" }] });

/** What the images are called here. */
type ImageName =
  | "signed"
  | "unsigned"
  | "byOthers"
  | "byTwo"
  | "asArtifact"
  | "timestamped"
  | "zulu"
  | "example"
  | "scanned"
  | "scannedLongAgo"
  | "scannedTwice"
  | "withGoodText"
  | "withBadText"
  | "sbomThenScan"
  | "scanThenSbom"
  | "vulnerable"
  | "excused"
  | "elsewhere";

/** Images by tag. */
export const images: Readonly<Record<ImageName, string>> = {
  signed: pushed("kyverno/signed", (made) => made.signedBy(own)),
  unsigned: pushed("kyverno/unsigned", (made) => made),
  byOthers: pushed("kyverno/signed-by-someone-else", (made) => made.signedBy(other)),
  byTwo: pushed("acme/two", (made) => made.signedBy(own).signedBy(other)),
  asArtifact: pushed("kyverno/cosign-oci11", (made) => made.using({ format: "oci11" }).signedBy(own)),
  timestamped: pushed("kyverno/tsa", (made) =>
    made
      .using({ timestampAuthority: world.sigstore.timestampAuthority, log: world.sigstore.rekor })
      .signedBy(own),
  ),
  zulu: pushed("kyverno/zulu", (made) =>
    made
      .signedBy(by(subjects.release))
      .attestedBy(by(subjects.build), built)
      .attestedBy(by(subjects.scan), scannedAt("2026-01-15T09:00:00Z")),
  ),
  example: pushed("acme/example", (made) =>
    made.using({ format: "bundle-v0.3" }).attestedBy(by(subjects.example), predicate(types.slsa1, workflow)),
  ),
  scanned: attested("acme/scanned", subjects.scan, scannedAt("2026-01-14T12:00:00Z")),
  scannedLongAgo: attested("acme/scanned-long-ago", subjects.scan, scannedAt("2026-01-02T12:00:00Z")),
  scannedTwice: attested(
    "acme/scanned-twice",
    subjects.scan,
    scannedAt("2026-01-14T12:00:00Z"),
    scannedAt("2026-01-02T12:00:00Z"),
  ),
  withGoodText: attested("acme/good-text", subjects.build, withText("1.10")),
  withBadText: attested("acme/bad-text", subjects.build, withText("1.8")),
  sbomThenScan: pushed("acme/sbom-then-scan", (made) =>
    made
      .attestedBy(own, created("2026-01-14T12:00:00Z"))
      .attestedBy(other, predicate("scan", { descriptor: { timestamp: "2026-01-15T12:00:00Z" } })),
  ),
  scanThenSbom: pushed("acme/scan-then-sbom", (made) =>
    made
      .attestedBy(own, created("2026-01-15T12:00:00Z"))
      .attestedBy(other, predicate("scan", { descriptor: { timestamp: "2026-01-14T12:00:00Z" } })),
  ),
  vulnerable: pushed("acme/vulnerable", (made) =>
    made.attestedBy(own, found("CVE-1", "CVE-9")).attestedBy(other, known),
  ),
  excused: pushed("acme/excused", (made) =>
    made.attestedBy(own, found("CVE-1", "CVE-2")).attestedBy(other, known),
  ),
  elsewhere: "elsewhere.example.com/nginx:latest",
};

/** The same image by its digest. */
export function byDigest(image: string): string {
  const [repository, tag] = image.slice(HOST.length + 1).split(":");
  const { descriptor } = world.registry
    .manifests()
    .find((one) => one.repository === repository && one.tag === tag) ?? { descriptor: { digest: "" } };
  return `${image}@${descriptor.digest}`;
}

/** One request, and what Kyverno's case expects of it. */
export interface Step {
  readonly object: JsonObject;
  readonly allowed: boolean;
  /** Whether every image has its digest then. */
  readonly pinned?: boolean;
  readonly more?: Partial<EvaluationRequest>;
}

/** A request that is let in. */
export function yes(object: JsonObject, more: Partial<Step> = {}): Step {
  return { object, allowed: true, ...more };
}

/** A request that is refused. */
export function no(object: JsonObject, more: Partial<Step> = {}): Step {
  return { object, allowed: false, ...more };
}

/** A Pod of these images. */
export function pod(...names: readonly string[]): JsonObject {
  const containers = names.map((image, index) => ({ name: `c${index}`, image }));
  return objectOf("v1", "Pod", { containers });
}

/** A Deployment of one Pod of these images. */
export function deployment(...names: readonly string[]): JsonObject {
  const containers = names.map((image, index) => ({ name: `c${index}`, image }));
  return objectOf("apps/v1", "Deployment", { template: { spec: { containers } } });
}

/** An object of any kind. */
export function objectOf(apiVersion: string, kind: string, spec: JsonObject): JsonObject {
  return { apiVersion, kind, metadata: { name: "x", namespace: "default" }, spec };
}

/** A rule about Pods with one entry about the registry's images; `more` is the rule's. */
export function rule(entry: object, more: object = {}): object {
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  return { name: "rule", match, ...more, verifyImages: [{ imageReferences: [`${HOST}/*`], ...entry }] };
}

/** An attestor set of keyless subjects. */
export function anyOf(count: number | undefined, ...wanted: readonly string[]): readonly object[] {
  const entries = wanted.map((subject) => (keyless({ subject, issuer: github })[0] as EntrySet).entries[0]);
  return [{ ...(count !== undefined && { count }), entries }];
}

interface EntrySet {
  readonly entries: readonly object[];
}

/** An entry with one attestation, with conditions that must all hold. */
export function attesting(type: string, attestors: readonly object[], ...all: readonly object[]): object {
  const conditions = all.length === 0 ? {} : { conditions: [{ all }] };
  return { attestations: [{ predicateType: type, attestors, ...conditions }] };
}
