import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistry, type TestImage, writeLayout } from "@assay/testkit";

/** A registry process on loopback, spoken to over plain http. */
export interface RegistryHost {
  readonly host: string;
  /** Without it, what hangs on an image is listed by a fallback tag. */
  readonly referrersApi: boolean;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

const EMPTY_LAYER = "application/vnd.oci.image.layer.v1.tar";

/** Pushes a small image with content of its own and returns its digest. */
export async function pushImage(registry: RegistryHost, name: string, tag: string): Promise<string> {
  const layer = await pushBlob(registry, name, Buffer.from(`layer of ${name}:${tag}`));
  const config = await pushBlob(
    registry,
    name,
    Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers", diff_ids: [layer.digest] },
      }),
    ),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers: [{ mediaType: EMPTY_LAYER, ...layer }],
  };
  return await pushManifest(registry, { name, reference: tag }, Buffer.from(JSON.stringify(manifest)));
}

/** Pushes images of the test kit with everything that hangs on them. `directory` must not exist yet. */
export async function pushImages(
  registry: RegistryHost,
  images: readonly TestImage[],
  directory: string,
): Promise<void> {
  const memory = createRegistry({ referrersApi: registry.referrersApi });
  for (const image of images) image.pushTo(memory);
  await writeLayout(memory, directory);
  await pushLayout(registry, directory);
}

/** Pushes every entry of an OCI image layout under the repository that its annotation names. Returns how many. */
export async function pushLayout(registry: RegistryHost, directory: string): Promise<number> {
  const index = JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as Required<Manifest>;
  for (const entry of index.manifests) {
    const name = entry.annotations?.["dev.assay.repository"] ?? "";
    const tag = entry.annotations?.["org.opencontainers.image.ref.name"];
    await pushTree(registry, { directory, name }, { ...entry, reference: tag ?? entry.digest });
  }
  return index.manifests.length;
}

async function pushTree(
  registry: RegistryHost,
  from: { readonly directory: string; readonly name: string },
  entry: Pick<Descriptor, "digest" | "mediaType"> & { readonly reference: string },
): Promise<void> {
  const bytes = layoutBlob(from.directory, entry.digest);
  if (bytes === undefined) return;
  const manifest = JSON.parse(bytes.toString("utf8")) as Manifest;
  for (const child of manifest.manifests ?? [])
    await pushTree(registry, from, { ...child, reference: child.digest });
  for (const blob of [...(manifest.layers ?? []), ...(manifest.config ? [manifest.config] : [])]) {
    const content = layoutBlob(from.directory, blob.digest);
    if (content !== undefined) await pushBlob(registry, from.name, content);
  }
  const where = { name: from.name, reference: entry.reference, mediaType: entry.mediaType };
  await pushManifest(registry, where, bytes);
}

function layoutBlob(directory: string, digest: string): Buffer | undefined {
  const path = join(directory, "blobs", digest.replace(":", "/"));
  return existsSync(path) ? readFileSync(path) : undefined;
}

async function pushBlob(
  { host }: RegistryHost,
  name: string,
  bytes: Buffer,
): Promise<{ readonly digest: string; readonly size: number }> {
  const digest = digestOf(bytes);
  const base = `http://${host}/v2/${name}/blobs`;
  if ((await fetch(`${base}/${digest}`, { method: "HEAD" })).ok) return { digest, size: bytes.length };
  const started = await expectOk(await fetch(`${base}/uploads/`, { method: "POST" }));
  const upload = new URL(started.headers.get("location") ?? "", `http://${host}`);
  upload.searchParams.set("digest", digest);
  const headers = { "content-type": "application/octet-stream" };
  await expectOk(await fetch(upload, { method: "PUT", headers, body: new Uint8Array(bytes) }));
  return { digest, size: bytes.length };
}

/** Pushes a manifest as it is, under a tag or its digest. Returns the digest. */
export async function pushManifest(
  { host }: RegistryHost,
  where: { readonly name: string; readonly reference: string; readonly mediaType?: string },
  bytes: Buffer,
): Promise<string> {
  const declared = (JSON.parse(bytes.toString("utf8")) as Manifest).mediaType;
  const mediaType = where.mediaType ?? declared ?? "application/vnd.oci.image.manifest.v1+json";
  await expectOk(
    await fetch(`http://${host}/v2/${where.name}/manifests/${where.reference}`, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: new Uint8Array(bytes),
    }),
  );
  return digestOf(bytes);
}

/** The bytes and media type of a manifest. */
export async function pullManifest(
  { host }: RegistryHost,
  name: string,
  reference: string,
): Promise<{ readonly bytes: Buffer; readonly mediaType: string }> {
  const accept =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json";
  const answer = await expectOk(
    await fetch(`http://${host}/v2/${name}/manifests/${reference}`, { headers: { accept } }),
  );
  return {
    bytes: Buffer.from(await answer.arrayBuffer()),
    mediaType: answer.headers.get("content-type") ?? "",
  };
}

async function expectOk(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  throw new Error(`${answer.url} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
