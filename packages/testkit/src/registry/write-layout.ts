import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "./registry.ts";

/**
 * Writes everything a registry holds as one OCI image layout, in the form that `loadLayout` reads: the entries of
 * `index.json` name their repository and tag in annotations.
 */
export async function writeLayout(registry: Registry, directory: string): Promise<void> {
  for (const algorithm of ["sha256", "sha384", "sha512"]) {
    await mkdir(join(directory, "blobs", algorithm), { recursive: true });
  }
  const entries = registry.manifests();
  for (const { repository, descriptor } of entries) {
    const bytes = registry.manifest(repository, descriptor.digest) ?? new Uint8Array();
    await writeContent(directory, descriptor.digest, bytes);
  }
  for (const { digest, bytes } of registry.blobs()) await writeContent(directory, digest, bytes);
  const manifests = entries.map(({ repository, tag, descriptor: { mediaType, digest, size } }) => ({
    ...{ mediaType, digest, size },
    annotations: {
      ...(tag === undefined ? {} : { "org.opencontainers.image.ref.name": tag }),
      "dev.assay.repository": repository,
    },
  }));
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
  await writeFile(join(directory, "index.json"), `${JSON.stringify(index, undefined, 1)}\n`);
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}\n');
}

async function writeContent(directory: string, digest: string, bytes: Uint8Array): Promise<void> {
  await writeFile(join(directory, "blobs", ...digest.split(":")), bytes);
}
