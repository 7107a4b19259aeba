import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { image } from "../image/image.ts";
import { slsa } from "../image/predicates.ts";
import { createKey } from "../signing/signing-key.ts";
import { loadLayout } from "./load-layout.ts";
import { createRegistry } from "./registry.ts";
import { writeLayout } from "./write-layout.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-layout-"));
});
afterAll(async () => await rm(directory, { recursive: true }));

test("what is written is what is loaded: tags, signatures, referrers, blobs", async () => {
  const registry = createRegistry();
  const key = createKey();
  const signed = image().signedBy(key).using({ format: "bundle-v0.3" }).attested(slsa()).pushTo(registry);
  registry.tag("acme/app", "latest", signed.digest);
  image({ repository: "acme/other" }).pushTo(registry);
  await writeLayout(registry, directory);

  const copy = createRegistry();
  await loadLayout(directory, copy);
  expect(Object.keys(copy.tags()).sort()).toEqual(["acme/app", "acme/other"]);
  for (const [repository, tags] of Object.entries(registry.tags()))
    expect([...(copy.tags()[repository] ?? [])].sort()).toEqual([...tags].sort());
  const referrers = `https://registry.test/v2/acme/app/referrers/${signed.digest}`;
  expect(await (await copy.fetch(referrers)).json()).toEqual(await (await registry.fetch(referrers)).json());
  expect(copy.blobs().length).toBe(registry.blobs().length);
});

test("it is an OCI image layout by its own words", async () => {
  expect(JSON.parse(await readFile(join(directory, "oci-layout"), "utf8"))).toEqual({
    imageLayoutVersion: "1.0.0",
  });
  const index = JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
  expect(index.mediaType).toBe("application/vnd.oci.image.index.v1+json");
});

test.each(["sha384", "sha512"])("manifests that go by %s are written, too", async (algorithm) => {
  const registry = createRegistry();
  const body = '{"schemaVersion":2,"layers":[]}';
  const digest = `${algorithm}:${createHash(algorithm).update(body).digest("hex")}`;
  await registry.fetch(`https://registry.test/v2/a/b/manifests/${digest}`, { method: "PUT", body });
  await writeLayout(registry, directory);
  expect(await readFile(join(directory, "blobs", ...digest.split(":")), "utf8")).toBe(body);
});
