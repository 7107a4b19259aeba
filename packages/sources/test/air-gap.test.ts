import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, type EvidenceSource, type TrustSource } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import { type JsonObject, loadPolicies } from "@assay/policy";
import { contextFromObjects } from "@assay/sources/cluster";
import { exportLayout, layoutSource, layoutTrust } from "@assay/sources/layout";
import { registrySource } from "@assay/sources/registry";
import { trustRoots, tufTrust } from "@assay/sources/trust";
import { createRegistry, hostFetch } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ask, digestAt, fixtureRegistry, summary } from "./fixtures.ts";

const fixtures = new URL("../../conformance/cases/fixtures/", import.meta.url).pathname;
const read = (name: string) => readFile(fixtures + name, "utf8");
const { signal } = new AbortController();

interface FixtureCase {
  readonly policy: string;
  readonly resource: string;
  readonly with?: {
    readonly trustedRoot?: string;
    readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

let directory: string;
let fetch: typeof globalThis.fetch;
let cases: readonly FixtureCase[];
let clock: string;
let images: readonly string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-air-gap-"));
  const [tags, referrers] = await Promise.all([
    fixtureRegistry("tags", { host: "127.0.0.1:5001" }),
    fixtureRegistry("referrers", { host: "127.0.0.1:5002" }),
  ]);
  fetch = hostFetch({ [tags.host]: tags.handle, [referrers.host]: referrers.handle });
  ({ cases, clock } = JSON.parse(await read("cases.json")));
  const source = registrySource({ fetch });
  const named = await Promise.all([...new Set(cases.map(({ resource }) => resource))].map(imagesOf));
  const found = await Promise.all(
    [...new Set(named.flat())].map(async (image) => ((await isThere(source, image)) ? [image] : [])),
  );
  images = found.flat();
});
afterAll(() => rm(directory, { recursive: true }));

async function imagesOf(resource: string): Promise<readonly string[]> {
  return [...(await read(`resources/${resource}.yaml`)).matchAll(/"image": ?"([^"]+)"/g)].map(
    ([, image = ""]) => image,
  );
}

async function isThere(source: EvidenceSource, image: string): Promise<boolean> {
  return (
    summary(await ask<"digest">(source, { kind: "digest", image: parseImageReference(image) })) === "digest"
  );
}

async function judge(asked: FixtureCase, evidence: EvidenceSource, trust: TrustSource): Promise<unknown> {
  try {
    const file = `policies/${asked.policy}.yaml`;
    const { policies } = loadPolicies([{ file, text: await read(file) }]);
    const objects = await Promise.all(Object.entries(asked.with?.configMaps ?? {}).map(configMap));
    const sources = { evidence, trust, context: contextFromObjects(objects) };
    const engine = createEngine({ policies, sources, clock: () => new Date(clock) });
    const resource: JsonObject = parse(await read(`resources/${asked.resource}.yaml`));
    const { verdict } = await engine.evaluate({ resource });
    return {
      allowed: verdict.allowed,
      results: verdict.results.map(({ image, digest, outcome, code }) => ({ image, digest, outcome, code })),
      patches: verdict.patches,
    };
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

async function configMap([name, files]: readonly [
  string,
  Readonly<Record<string, string>>,
]): Promise<JsonObject> {
  const [namespace = "", short = ""] = name.split("/");
  const entries = await Promise.all(
    Object.entries(files).map(async ([key, file]) => [key, await read(file)]),
  );
  return { kind: "ConfigMap", metadata: { namespace, name: short }, data: Object.fromEntries(entries) };
}

/** Runs `work` while every attempt to open a connection fails and is counted. */
async function withoutNetwork<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly attempts: number }> {
  const [connect, globalFetch] = [Socket.prototype.connect, globalThis.fetch];
  let attempts = 0;
  const deny = (): never => {
    attempts++;
    throw new Error("the network is cut off");
  };
  Socket.prototype.connect = deny;
  globalThis.fetch = async () => deny();
  try {
    return { value: await work(), attempts };
  } finally {
    Socket.prototype.connect = connect;
    globalThis.fetch = globalFetch;
  }
}

const noTrust = trustRoots({});

describe("an exported layout", () => {
  test("judges every fixture as the registry does, with the network cut off", async () => {
    const trust = trustRoots({ file: `${fixtures}trust/trusted_root.json` });
    const report = await exportLayout({
      images: images.map((image) => parseImageReference(image)),
      directory: join(directory, "layout"),
      registry: { fetch },
      trust,
      signal,
    });
    expect(report.images).toHaveLength(images.length);
    expect(report.expiries.map(({ what, means }) => `${what}: ${means}`)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^certificate authority `.*`: signatures made later need a newer trust root$/),
      ]),
    );
    const registry = registrySource({ fetch });
    const expected = await Promise.all(
      cases.map((one) => judge(one, registry, one.with?.trustedRoot ? trust : noTrust)),
    );
    expect(
      expected.filter((one) => JSON.stringify(one).startsWith('{"allowed":true')).length,
    ).toBeGreaterThan(50);
    execFileSync("tar", ["-cf", join(directory, "layout.tar"), "-C", join(directory, "layout"), "."]);
    for (const path of ["layout", "layout.tar"].map((name) => join(directory, name))) {
      const layout = layoutSource(path);
      const { value, attempts } = await withoutNetwork(() =>
        Promise.all(
          cases.map((one) => judge(one, layout, one.with?.trustedRoot ? layoutTrust(path) : noTrust)),
        ),
      );
      expect(attempts).toBe(0);
      for (const [i, one] of cases.entries()) {
        if (!withMissingImage(one)) expect({ one, got: value[i] }).toEqual({ one, got: expected[i] });
      }
    }
  }, 60_000);

  // A registry that is not there answers otherwise than a layout without the image.
  const withMissingImage = ({ resource }: FixtureCase) =>
    !images.some((image) => image.includes(resource.replace(/-500[12]-(?:tag|dig)$/, "")));

  test("is added to, and a tag follows its image", async () => {
    const path = join(directory, "growing");
    const [one, other] = ["127.0.0.1:5001/acme/key-ecdsa:v1", "127.0.0.1:5002/acme/bundle-ecdsa:v1"].map(
      (text) => parseImageReference(text),
    );
    for (const image of [one, other, one]) {
      if (image !== undefined)
        await exportLayout({ images: [image], directory: path, registry: { fetch }, signal });
    }
    const layout = layoutSource(path);
    for (const image of [one, other]) {
      if (image !== undefined)
        expect(await digestAt(layout, image.text)).toBe(
          await digestAt(registrySource({ fetch }), image.text),
        );
    }
    const index = JSON.parse(await readFile(join(path, "index.json"), "utf8"));
    expect(index.manifests).toHaveLength(4);
  });

  test("is refused whole when a part cannot be had", async () => {
    const broken: typeof globalThis.fetch = async (url, init) =>
      String(url).includes("/blobs/") ? new Response(null, { status: 503 }) : fetch(url, init);
    const path = join(directory, "broken");
    const exported = exportLayout({
      images: [parseImageReference("127.0.0.1:5001/acme/key-att3:v1")],
      directory: path,
      registry: { fetch: broken, retry: { attempts: 1 } },
      signal,
    });
    await expect(exported).rejects.toThrow("answered 503");
    await expect(readFile(join(path, "index.json"))).rejects.toThrow("ENOENT");
  });

  test("is refused whole when an index lists more images than are exported", async () => {
    const registry = createRegistry({ host: "r.example" });
    const config = registry.pushBlob("app", "{}");
    const manifests = Array.from({ length: 101 }, (_, i) =>
      registry.pushManifest("app", { schemaVersion: 2, config, layers: [], annotations: { i: String(i) } }),
    );
    const mediaType = "application/vnd.oci.image.index.v1+json";
    registry.pushManifest("app", { schemaVersion: 2, mediaType, manifests }, { tag: "v1" });
    const options = {
      images: [parseImageReference("r.example/app:v1")],
      registry: { fetch: registry.fetch },
      signal,
    };
    const directoryOf = (name: string) => join(directory, name);
    const exported = exportLayout({ ...options, directory: directoryOf("too-many") });
    await expect(exported).rejects.toThrow("lists 101 images, more than the limit of 100");
    const alone = await exportLayout({ ...options, directory: directoryOf("alone"), children: false });
    expect(alone.images).toHaveLength(1);
  });

  test("without a trust root says so", async () => {
    const answer = await layoutTrust(join(directory, "growing")).fetch(
      { kind: "trustRoot", name: "public-good" },
      { signal },
    );
    expect(answer).toMatchObject({
      failure: { code: "notFound", message: expect.stringContaining("has no trust root") },
    });
  });
});

test("a policy with a key and ignored logs needs no trust root: TUF is not asked", async () => {
  const layout = layoutSource({ path: `${fixtures}images/tags` });
  const asked = cases.find(({ policy, resource }) => policy === "key" && resource === "key-ecdsa-5001-tag");
  expect(asked).toBeDefined();
  const trust = tufTrust({ cacheDirectory: join(directory, "tuf"), retries: 0 });
  const { value, attempts } = await withoutNetwork(() =>
    judge(asked ?? { policy: "", resource: "" }, layout, trust),
  );
  expect(value).toMatchObject({ allowed: true });
  expect(attempts).toBe(0);
});

describe("a layout", () => {
  test.each([
    ["that is missing", "/nowhere", "unavailable"],
    ["that is something else", fixtures, "unavailable"],
    ["in a compressed tar file", "gz", "unavailable"],
  ])("%s: %s", async (_, path, outcome) => {
    let place = path;
    if (path === "gz") {
      place = join(directory, "layout.tar.gz");
      execFileSync("tar", ["-czf", place, "-C", `${fixtures}images/tags`, "."]);
    }
    const image = parseImageReference("r.example/acme/key-ecdsa:v1");
    expect(summary(await ask<"digest">(layoutSource(place), { kind: "digest", image }))).toBe(outcome);
  });

  test.each([
    ["r.example/acme/key-ecdsa:v1", "digest"],
    ["r.example/acme/key-ecdsa:v2", "notFound"],
    ["r.example/other/key-ecdsa:v1", "notFound"],
    ["q.example/acme/key-ecdsa:v1", "notFound"],
  ])("for r.example is asked for %s: %s", async (text, outcome) => {
    const layout = layoutSource({ path: `${fixtures}images/tags`, registry: "r.example" });
    expect(summary(await ask<"digest">(layout, { kind: "digest", image: parseImageReference(text) }))).toBe(
      outcome,
    );
  });

  test("whose blob was changed is no longer believed", async () => {
    const path = join(directory, "changed");
    execFileSync("cp", ["-r", `${fixtures}images/tags`, path]);
    const digest = await digestAt(layoutSource(path), "r.example/acme/key-ecdsa:v1");
    execFileSync("sh", ["-c", `printf x >> ${join(path, "blobs", digest.replace(":", "/"))}`]);
    const answer = await ask<"digest">(layoutSource(path), {
      kind: "digest",
      image: parseImageReference("r.example/acme/key-ecdsa:v1"),
    });
    expect(summary(answer)).toBe("digestMismatch");
  });
});
