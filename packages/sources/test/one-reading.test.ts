import { parseImageReference } from "@assay/image";
import { registrySource } from "@assay/sources/registry";
import { createRegistry } from "@assay/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hasKeyTwice } from "../src/oci/one-reading.ts";
import { ask, summary } from "./fixtures.ts";

// What Go's decoder (containerd, Kyverno) makes of these is another image than what JSON.parse does: it takes keys in any
// case, and puts the objects of a key that occurs twice together.

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const good = '{"architecture":"amd64","os":"linux","config":{"User":"1000"}}';
const bad = '{"architecture":"amd64","os":"linux","config":{"User":"0"}}';

function world() {
  const registry = createRegistry({ host: "r.example" });
  const config = JSON.stringify(registry.pushBlob("app", good));
  const other = JSON.stringify(registry.pushBlob("app", bad));
  const push = (text: string): string =>
    JSON.stringify(registry.pushManifest("app", new TextEncoder().encode(text)));
  const platform = '"platform":{"os":"linux","architecture":"amd64"}';
  const entry = (child: string, more: string): string => child.replace(/\}$/, `,${more}}`);
  return { registry, config, other, push, platform, entry };
}
type World = ReturnType<typeof world>;

const image = (config: string) =>
  `{"schemaVersion":2,"mediaType":"${manifestType}","config":${config},"layers":[]}`;

async function imageDataOf(build: (world: World) => string): Promise<string> {
  const made = world();
  const manifest = new TextEncoder().encode(build(made));
  made.registry.pushManifest("app", manifest, { tag: "v1", mediaType: manifestType });
  const source = registrySource({ fetch: made.registry.fetch });
  const lookup = { kind: "imageData", image: parseImageReference("r.example/app:v1") } as const;
  return summary(await ask<"imageData">(source, lookup));
}

test.each<[string, (world: World) => string]>([
  [
    "a second config in another case",
    ({ config, other }) => image(config).replace(/\}$/, `,"Config":${other}}`),
  ],
  ["a second config", ({ config, other }) => image(config).replace(/\}$/, `,"config":${other}}`)],
  ["a config that only Go finds", ({ config }) => image(config).replace('"config"', '"CONFIG"')],
  [
    "a digest in another case",
    ({ config, other }) =>
      image(config.replace(/\}$/, `,"Digest":${JSON.stringify(JSON.parse(other).digest)}}`)),
  ],
  ["layers that only Go finds", ({ config }) => image(config).replace('"layers"', '"layerſ"')],
  [
    "a platform in another case",
    ({ config, other, push, platform, entry }) =>
      `{"manifests":[${entry(push(image(other)), platform.replace('"os"', '"OS"'))},${entry(push(image(config)), platform)}]}`,
  ],
  [
    "lists that are put together",
    ({ config, other, push, platform, entry }) =>
      `{"manifests":[${entry(push(image(other)), platform)}],"manifests":[${push(image(other))},${entry(push(image(config)), platform)}]}`,
  ],
  [
    "a config whose user is there twice",
    ({ registry }) =>
      image(JSON.stringify(registry.pushBlob("app", good.replace('"1000"', '"1000","user":"0"')))),
  ],
  [
    "a config whose config is there twice",
    ({ registry }) => image(JSON.stringify(registry.pushBlob("app", good.replace(/\}$/, ',"config":{}}')))),
  ],
])("an image with %s is malformed", async (_, build) => {
  expect(await imageDataOf(build)).toBe("malformed");
});

test.each<[string, (world: World) => string]>([
  ["nothing of that sort", ({ config }) => image(config)],
  [
    "annotations and labels that are told apart by their case",
    ({ registry }) => {
      const config = registry.pushBlob("app", good.replace('"User"', '"Labels":{"os":"a","OS":"b"},"User"'));
      return image(JSON.stringify(config)).replace(/\}$/, ',"annotations":{"Digest":"a","digest":"b"}}');
    },
  ],
  [
    "one key in two objects, and keys in texts",
    ({ config }) =>
      image(config).replace(/\}$/, ',"annotations":{"a":"\\"layers\\":[]","b":"{\\\\","config":"c"}}'),
  ],
])("an image with %s is read", async (_, build) => {
  expect(await imageDataOf(build)).toBe("value");
});

test("a key is found twice where it is, and nowhere else", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), fc.jsonValue(), fc.nat(12), (value, key, other, before) => {
      const others = Array.from({ length: before }, (_, i) => `"${i} ${key.length}": {},`).join("");
      const name = JSON.stringify(key);
      const once = `{${others} ${name} : ${JSON.stringify(other)}, "list": [${JSON.stringify(value)}]}`;
      const twice = once.replace(/\}$/, () => `, ${name}:${JSON.stringify(value)}}`);
      fc.pre(!["list", ...Object.keys(JSON.parse(`{${others}"":0}`))].includes(key));
      return !hasKeyTwice(`[${once}]`) && hasKeyTwice(`[${twice}]`) && hasKeyTwice(`{"a":{"b":${twice}}}`);
    }),
    { numRuns: 500 },
  );
});
