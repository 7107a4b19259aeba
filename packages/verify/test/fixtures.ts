import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type Digest, parseDigest } from "@assay/image";
import { type Candidate, type Evidence, type Origin, parseTrustRoot, type TrustRoot } from "@assay/verify";

/** Real images, signed and attested by cosign 2 and 3, as the conformance package keeps them. */
const root = new URL("../../conformance/cases/fixtures/", import.meta.url);

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly artifactType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly subject?: Descriptor;
}

export type Layout = "tags" | "referrers";

export function fixtureText(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

export function fixtureNames(path: string): readonly string[] {
  const folder = new URL(path, root);
  return existsSync(folder) ? readdirSync(folder) : [];
}

export function fixtureTrust(): TrustRoot {
  return parseTrustRoot(fixtureText("trust/trusted_root.json"));
}

function blob(layout: Layout, digest: string): Buffer {
  return readFileSync(new URL(`images/${layout}/blobs/${digest.replace(":", "/")}`, root));
}

function manifest(layout: Layout, digest: string): Manifest {
  return JSON.parse(blob(layout, digest).toString()) as Manifest;
}

function entries(layout: Layout, name: string): readonly Descriptor[] {
  const index = JSON.parse(fixtureText(`images/${layout}/index.json`)) as {
    manifests: readonly Descriptor[];
  };
  return index.manifests.filter((entry) => entry.annotations?.["dev.assay.repository"] === `acme/${name}`);
}

function tagOf(entry: Descriptor): string | undefined {
  return entry.annotations?.["org.opencontainers.image.ref.name"];
}

/** The digest of an image of the fixture set. */
export function fixtureDigest(name: string, layout: Layout = "tags"): Digest {
  const entry = entries(layout, name).find((one) => tagOf(one) === "v1");
  if (entry === undefined) throw new Error(`no fixture ${name}`);
  return parseDigest(entry.digest);
}

/** Everything that hangs on an image of the fixture set, as a registry source would find it. */
export function fixtureEvidence(name: string, layout: Layout = "tags"): Evidence {
  const digest = fixtureDigest(name, layout);
  const tag = digest.replace(":", "-");
  const candidates: Candidate[] = [];
  for (const entry of entries(layout, name)) {
    const read = entry.mediaType.includes("index") ? {} : manifest(layout, entry.digest);
    const origin: Origin = {
      shelf: "given",
      repository: `acme/${name}`,
      manifest: parseDigest(entry.digest),
    };
    for (const layer of read.layers ?? []) {
      const payload = blob(layout, layer.digest);
      const at = { ...origin, layer: parseDigest(layer.digest) };
      if (
        layer.mediaType.startsWith("application/vnd.dev.sigstore.bundle") &&
        read.subject?.digest === digest
      ) {
        candidates.push({ kind: "bundle", bytes: payload, origin: { ...at, shelf: "referrers" } });
      }
      const holds =
        tagOf(entry) === `${tag}.sig`
          ? "signature"
          : tagOf(entry) === `${tag}.att`
            ? "attestation"
            : undefined;
      if (holds === undefined) continue;
      const shelf = holds === "signature" ? "signatureTag" : "attestationTag";
      candidates.push({
        kind: "legacy",
        holds,
        payload,
        annotations: layer.annotations ?? {},
        origin: { ...at, shelf },
      });
    }
  }
  return { digest, candidates, gaps: [] };
}
