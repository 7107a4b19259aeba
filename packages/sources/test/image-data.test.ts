import { parseImageReference } from "@assay/image";
import { registrySource } from "@assay/sources/registry";
import { createRegistry, type Registry } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry, summary } from "./fixtures.ts";

const indexType = "application/vnd.oci.image.index.v1+json";

/** An image in parts that may be missing or too large; `platforms` of an index, each with a config of its own. */
function pushed(platforms: readonly string[], change: (registry: Registry) => void = () => undefined) {
  const registry = createRegistry({ host: "r.example" });
  const manifests = platforms.map((platform) => {
    const [os, architecture] = platform.split("/");
    const config = registry.pushBlob("app", JSON.stringify({ os, architecture }));
    const image = registry.pushManifest("app", { schemaVersion: 2, config, layers: [] });
    return { ...image, platform: { os, architecture } };
  });
  registry.pushManifest("app", { schemaVersion: 2, mediaType: indexType, manifests }, { tag: "v1" });
  change(registry);
  return registrySource({ fetch: registry.fetch, limits: { manifestBytes: 2000 } });
}

const imageOf = (config: object) => (registry: Registry) =>
  void registry.pushManifest("app", { schemaVersion: 2, config, layers: [] }, { tag: "v1" });
const missing = { mediaType: "x", digest: `sha256:${"0".repeat(64)}`, size: 2 };

describe("image data", () => {
  test("holds names, manifest and config, as Kyverno's imageRegistry context does", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    const image = parseImageReference("r.example/acme/multi:v1");
    const answer = await ask<"imageData">(source, { kind: "imageData", image });
    const digest = await digestAt(source, image.text);
    expect(answer).toMatchObject({
      ok: true,
      value: {
        data: {
          image: image.text,
          resolvedImage: `r.example/acme/multi@${digest}`,
          registry: "r.example",
          repository: "acme/multi",
          identifier: "v1",
          manifestList: { schemaVersion: 2, manifests: expect.any(Array) },
          manifest: { schemaVersion: 2, layers: expect.any(Array) },
          configData: { architecture: "amd64", os: "linux" },
        },
      },
    });
  });

  test.each([
    ["r.example/acme/nowhere:v1", "notFound"],
    ["r.example/acme/key-ecdsa:v9", "notFound"],
  ])("of %s: %s", async (text, outcome) => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask(source, { kind: "imageData", image: parseImageReference(text) }))).toBe(outcome);
  });

  test.each<[string, readonly string[], string]>([
    ["linux/amd64, wherever it stands", ["linux/arm64", "windows/amd64", "linux/amd64"], "linux/amd64"],
    ["the first image, where that is missing", ["linux/arm64", "windows/amd64"], "linux/arm64"],
  ])("of an index are those of %s", async (_, platforms, found) => {
    const image = parseImageReference("r.example/app:v1");
    const [os, architecture] = found.split("/");
    expect(await ask<"imageData">(pushed(platforms), { kind: "imageData", image })).toMatchObject({
      ok: true,
      value: { data: { configData: { os, architecture }, manifestList: { schemaVersion: 2 } } },
    });
  });

  test.each<[string, (registry: Registry) => void, RegExp]>([
    ["an empty index", () => undefined, /none of the images in its index exists$/],
    [
      "an index whose image is gone",
      (registry) =>
        void registry.pushManifest(
          "app",
          { schemaVersion: 2, mediaType: indexType, manifests: [missing] },
          { tag: "v1" },
        ),
      /none of the images in its index exists$/,
    ],
    [
      "an index of indexes",
      (registry) => {
        const manifests = [
          registry.pushManifest("app", { schemaVersion: 2, mediaType: indexType, manifests: [] }),
        ];
        registry.pushManifest("app", { schemaVersion: 2, mediaType: indexType, manifests }, { tag: "v1" });
      },
      /its manifest names no config$/,
    ],
    ["an image whose config is gone", imageOf(missing), /its config does not exist$/],
    ["an image whose config is too large", imageOf({ ...missing, size: 2001 }), /its config is too large$/],
  ])("of %s are malformed", async (_, change, said) => {
    const image = parseImageReference("r.example/app:v1");
    expect(await ask<"imageData">(pushed([], change), { kind: "imageData", image })).toMatchObject({
      ok: false,
      failure: { code: "malformed", message: expect.stringMatching(said) },
    });
  });

  test("of an image whose config is no JSON have none", async () => {
    const source = pushed([], (registry) => imageOf(registry.pushBlob("app", "no JSON"))(registry));
    const image = parseImageReference("r.example/app:v1");
    expect(await ask<"imageData">(source, { kind: "imageData", image })).toMatchObject({
      ok: true,
      value: { data: { configData: null, manifestList: null } },
    });
  });
});
