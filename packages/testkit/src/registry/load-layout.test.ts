import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadLayout } from "./load-layout.ts";
import { createRegistry } from "./registry.ts";
import { digestOf } from "./store.ts";

const made: string[] = [];
afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true });
});

async function layout(
  index: (keep: (value: unknown) => Promise<object>) => Promise<unknown>,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "assay-layout-"));
  made.push(directory);
  await mkdir(join(directory, "blobs", "sha256"), { recursive: true });
  const keep = async (value: unknown): Promise<object> => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    await writeFile(join(directory, "blobs", "sha256", digestOf(bytes).slice("sha256:".length)), bytes);
    return {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: digestOf(bytes),
      size: bytes.length,
    };
  };
  await writeFile(join(directory, "index.json"), JSON.stringify(await index(keep)));
  return directory;
}

test("tags, untagged referrers, nested manifests and blobs land in the repository that the layout names", async () => {
  let child = "";
  const directory = await layout(async (keep) => {
    const layer = await keep("layer");
    const image = Object.assign(await keep({ schemaVersion: 2, layers: [layer], config: layer }), {
      digest: "",
    });
    image.digest = digestOf(
      new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, layers: [layer], config: layer })),
    );
    child = image.digest;
    const index = await keep({ schemaVersion: 2, manifests: [image] });
    const signature = await keep({ schemaVersion: 2, artifactType: "x/y", subject: index, layers: [layer] });
    const repository = { "dev.assay.repository": "acme/app" };
    return {
      manifests: [
        { ...index, annotations: { ...repository, "org.opencontainers.image.ref.name": "v1" } },
        { ...signature, annotations: repository },
      ],
    };
  });
  const registry = createRegistry();
  await loadLayout(directory, registry);
  expect(registry.tags()).toEqual({ "acme/app": ["v1"] });
  expect(registry.manifest("acme/app", child)).toBeDefined();
  const layer = new TextEncoder().encode(JSON.stringify("layer"));
  expect(registry.blob("acme/app", digestOf(layer))?.length).toBe(layer.length);
  const subject = digestOf(registry.manifest("acme/app", "v1") ?? new Uint8Array());
  const referrers = await registry.fetch(`https://registry.test/v2/acme/app/referrers/${subject}`);
  expect(await referrers.json()).toMatchObject({ manifests: [{ artifactType: "x/y" }] });
});

test.each([
  ["an entry without a repository", { manifests: [{ digest: `sha256:${"0".repeat(64)}` }] }],
  [
    "a digest that leaves the directory",
    { manifests: [{ digest: "sha256:../../etc/passwd", annotations: { "dev.assay.repository": "a" } }] },
  ],
  ["no list of manifests", {}],
])("%s is an error", async (_, index) => {
  const directory = await layout(async () => index);
  await expect(loadLayout(directory, createRegistry())).rejects.toMatchObject({ code: "badLayout" });
});

test("content that is there and cannot be read is an error, not missing", async () => {
  const digest = `sha256:${"1".repeat(64)}`;
  const directory = await layout(async () => ({
    manifests: [{ digest, annotations: { "dev.assay.repository": "a" } }],
  }));
  await mkdir(join(directory, "blobs", "sha256", "1".repeat(64)));
  const loading = loadLayout(directory, createRegistry());
  await expect(loading).rejects.toMatchObject({ code: "badLayout", cause: { code: "EISDIR" } });
});
