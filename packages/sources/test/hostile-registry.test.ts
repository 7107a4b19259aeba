import { parseDigest, parseImageReference } from "@assay/image";
import { type RegistryOptions, registrySource } from "@assay/sources/registry";
import { createRegistry, type Registry } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { ask, summary } from "./fixtures.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
const repository = "r.example/app";
const empty = { mediaType: "application/vnd.oci.empty.v1+json", digest: `sha256:${"4".repeat(64)}`, size: 2 };

/** A registry with an image; `build` hangs things on it. */
function hung(
  build: (registry: Registry, image: { digest: string; tag: string }) => void,
  options: object = {},
) {
  const registry = createRegistry({ host: "r.example", ...options });
  const config = registry.pushBlob("app", "{}");
  const subject = registry.pushManifest(
    "app",
    { schemaVersion: 2, mediaType: manifestType, config, layers: [] },
    { tag: "v1" },
  );
  build(registry, { digest: subject.digest, tag: subject.digest.replace(":", "-") });
  return { registry, digest: parseDigest(subject.digest) };
}

const kinds = {
  ".sig": "signatureTag",
  ".att": "attestationTag",
  api: "referrers",
  tag: "referrersTag",
} as const;

async function seen(
  where: keyof typeof kinds,
  build: Parameters<typeof hung>[0],
  options: RegistryOptions = {},
): Promise<string> {
  const { registry, digest } = hung(build);
  const source = registrySource({ fetch: registry.fetch, retry: { attempts: 1 }, ...options });
  return summary(await ask(source, { kind: kinds[where], repository, digest }));
}

function signature(registry: Registry, payload = "{}", change: object = {}) {
  const blob = registry.pushBlob("app", payload, "application/vnd.dev.cosign.simplesigning.v1+json");
  return { ...blob, annotations: { "dev.cosignproject.cosign/signature": "MEU=" }, ...change };
}

function bundleReferrer(registry: Registry, subject: string, change: object = {}) {
  const layers = [registry.pushBlob("app", `{"bundle":"for ${subject}"}`, bundleType)];
  const about = { mediaType: manifestType, digest: subject, size: 1 };
  return registry.pushManifest("app", {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: bundleType,
    config: empty,
    layers,
    subject: about,
    ...change,
  });
}

describe("what hangs behind `.sig`", () => {
  const push = (registry: Registry, tag: string, layers: unknown, change: object = {}) =>
    registry.pushManifest(
      "app",
      { schemaVersion: 2, mediaType: manifestType, config: empty, layers, ...change },
      { tag: `${tag}.sig` },
    );

  test.each<[string, string, Parameters<typeof hung>[0], RegistryOptions?]>([
    [
      "07 1001 layers are too many",
      "tooMany",
      (registry, { tag }) => {
        const layer = signature(registry);
        push(
          registry,
          tag,
          Array.from({ length: 1001 }, () => layer),
        );
      },
    ],
    ["no layers are no signatures", "nothing", (registry, { tag }) => push(registry, tag, [])],
    [
      "06 a layer longer than its manifest says is cut off",
      "tooLarge",
      (registry, { tag }) => push(registry, tag, [signature(registry, "x".repeat(500), { size: 10 })]),
    ],
    [
      "06 a layer shorter than its manifest says is refused",
      "malformed",
      (registry, { tag }) => push(registry, tag, [signature(registry, "x".repeat(5), { size: 10 })]),
    ],
    [
      "a layer that declares 10 GiB is not fetched",
      "tooLarge",
      (registry, { tag }) => push(registry, tag, [signature(registry, "x", { size: 10 * 2 ** 30 })]),
    ],
    [
      "layers that are too much together",
      "legacy tooLarge",
      (registry, { tag }) =>
        push(registry, tag, [signature(registry, "a".repeat(60)), signature(registry, "b".repeat(60))]),
      { limits: { lookupBytes: 100 } },
    ],
    [
      "a layer that does not exist",
      "malformed",
      (registry, { tag }) =>
        push(registry, tag, [{ ...signature(registry), digest: `sha256:${"a".repeat(64)}` }]),
    ],
    ["a layer without a digest", "malformed", (registry, { tag }) => push(registry, tag, [{ size: 2 }])],
    [
      "a layer whose digest is a path",
      "malformed",
      (registry, { tag }) => push(registry, tag, [{ size: 2, digest: "sha256:../../x" }]),
    ],
    [
      "a layer of negative size",
      "malformed",
      (registry, { tag }) => push(registry, tag, [signature(registry, "{}", { size: -1 })]),
    ],
    [
      "an index in place of a manifest",
      "malformed",
      (registry, { tag }) =>
        void registry.pushManifest(
          "app",
          { schemaVersion: 2, mediaType: indexType, manifests: [] },
          { tag: `${tag}.sig` },
        ),
    ],
    [
      "10 a document that is manifest and index at once",
      "malformed",
      (registry, { tag }) => push(registry, tag, [], { manifests: [] }),
    ],
    [
      "annotations that are no text are left out",
      "legacy",
      (registry, { tag }) =>
        push(registry, tag, [signature(registry, "{}", { annotations: { a: 1, __proto__: { b: "c" } } })]),
    ],
    [
      "a media type of its own choosing",
      "legacy",
      (registry, { tag }) => push(registry, tag, [signature(registry, "{}", { mediaType: "text/plain" })]),
    ],
  ])("%s: %s", async (_, outcome, build, options) => {
    expect(await seen(".sig", (registry, image) => void build(registry, image), options)).toBe(outcome);
  });
});

test("a layer over its own limit is not fetched, whatever else may be", async () => {
  const { registry, digest } = hung((registry, { tag }) => {
    const layers = [signature(registry, "a".repeat(200)), signature(registry, "b".repeat(50))];
    registry.pushManifest(
      "app",
      { schemaVersion: 2, mediaType: manifestType, config: empty, layers },
      { tag: `${tag}.sig` },
    );
  });
  const source = registrySource({ fetch: registry.fetch, limits: { layerBytes: 100 } });
  expect(summary(await ask<"signatureTag">(source, { kind: "signatureTag", repository, digest }))).toBe(
    "tooLarge legacy",
  );
  expect(registry.requests.filter(({ path }) => path.includes("/blobs/"))).toHaveLength(1);
});

describe("what the referrers API lists", () => {
  test.each<[string, string, Parameters<typeof hung>[0], RegistryOptions?]>([
    ["a bundle", "bundle", (registry, { digest }) => bundleReferrer(registry, digest)],
    [
      "a bundle known by its layer only",
      "bundle",
      (registry, { digest }) =>
        bundleReferrer(registry, digest, { artifactType: "application/octet-stream" }),
    ],
    [
      "an SBOM of another tool is no evidence",
      "nothing",
      (registry, { digest }) =>
        bundleReferrer(registry, digest, {
          artifactType: "application/spdx+json",
          layers: [registry.pushBlob("app", "{}", "application/spdx+json")],
        }),
    ],
    [
      "a bundle of two layers",
      "malformed",
      (registry, { digest }) => {
        const layer = registry.pushBlob("app", "{}", bundleType);
        bundleReferrer(registry, digest, { layers: [layer, layer] });
      },
    ],
    [
      "a bundle beside something else, known by its layer only",
      "malformed",
      (registry, { digest }) => {
        const layers = [bundleType, "text/plain"].map((type) => registry.pushBlob("app", "{}", type));
        bundleReferrer(registry, digest, { artifactType: "application/octet-stream", layers });
      },
    ],
    [
      "a bundle without layers",
      "malformed",
      (registry, { digest }) => bundleReferrer(registry, digest, { layers: [] }),
    ],
    [
      "a cosign artifact of OCI 1.1",
      "legacy",
      (registry, { digest }) =>
        bundleReferrer(registry, digest, {
          artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
          layers: [signature(registry)],
        }),
    ],
    [
      "a cosign artifact known by its config",
      "legacy",
      (registry, { digest }) =>
        bundleReferrer(registry, digest, {
          artifactType: undefined,
          config: { ...empty, mediaType: "application/vnd.dev.cosign.artifact.sig.v1+json" },
          layers: [signature(registry)],
        }),
    ],
    [
      "07 101 referrers are too many",
      "tooMany",
      (registry, { digest }) => {
        for (let i = 0; i < 101; i++) bundleReferrer(registry, digest, { annotations: { i: String(i) } });
      },
    ],
    [
      "07 a limit of ones own",
      "tooMany",
      (registry, { digest }) => {
        for (let i = 0; i < 3; i++) bundleReferrer(registry, digest, { annotations: { i: String(i) } });
      },
      { limits: { referrers: 2 } },
    ],
  ])("%s: %s", async (_, outcome, build, options) => {
    expect(await seen("api", (registry, image) => void build(registry, image), options)).toBe(outcome);
  });

  test("a list that was written as null is an empty one", async () => {
    const { registry, digest } = hung(() => undefined);
    const body = `{"schemaVersion":2,"mediaType":"${indexType}","manifests":null}`;
    registry.inject({ path: "/referrers/", effect: { kind: "replace", body } });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask<"referrers">(source, { kind: "referrers", repository, digest }))).toBe(
      "nothing",
    );
  });

  // go-containerregistry and several public registries describe a referrer by its config's type.
  test.each([
    empty.mediaType,
    "application/vnd.oci.image.config.v1+json",
    "application/spdx+json",
    undefined,
  ])("a bundle that its descriptor calls %s is found all the same", async (artifactType) => {
    const { registry, digest } = hung((registry, image) => void bundleReferrer(registry, image.digest));
    const referrer = registry.manifests().find(({ tag }) => tag === undefined);
    const entry = { ...referrer?.descriptor, artifactType };
    registry.inject({
      path: "/referrers/",
      effect: {
        kind: "replace",
        body: JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [entry] }),
      },
    });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask<"referrers">(source, { kind: "referrers", repository, digest }))).toBe("bundle");
  });

  test("11 a referrer whose subject is another image is refused, whatever the registry says", async () => {
    const { registry, digest } = hung(
      (registry) => void bundleReferrer(registry, `sha256:${"b".repeat(64)}`),
    );
    const [referrer] = registry.manifests().filter(({ tag }) => tag === undefined);
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: indexType,
      manifests: [referrer?.descriptor],
    });
    registry.inject({ path: "/referrers/", effect: { kind: "replace", body } });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask<"referrers">(source, { kind: "referrers", repository, digest }))).toBe(
      "malformed",
    );
  });

  test("a listing of several pages is read to its end", async () => {
    const { registry, digest } = hung(
      (registry, image) => {
        for (let i = 0; i < 5; i++) bundleReferrer(registry, image.digest, { annotations: { i: String(i) } });
      },
      { pageSize: 2 },
    );
    const source = registrySource({ fetch: registry.fetch });
    const answer = await ask<"referrers">(source, { kind: "referrers", repository, digest });
    expect(summary(answer)).toBe("bundle bundle bundle bundle bundle");
    expect(registry.requests.filter(({ path }) => path.includes("/referrers/"))).toHaveLength(3);
  });

  test.each([
    "https://evil.example/v2/app/referrers/sha256:0?n=1",
    "http://r.example/v2/app/referrers/sha256:0?n=1",
    "/v2/other/referrers/sha256:0?n=1",
    "/v2/app/referrers/../../../other?n=1",
    "/token?n=1",
  ])("a next page at %s is not asked for", async (next) => {
    const { registry, digest } = hung((registry, image) => void bundleReferrer(registry, image.digest));
    registry.inject({
      path: "/referrers/",
      effect: { kind: "headers", headers: { link: `<${next}>; rel="next"` } },
    });
    const asked: string[] = [];
    const source = registrySource({
      fetch: registry.fetch,
      onRequest: ({ url }) => void asked.push(url),
    });
    const answer = await ask<"referrers">(source, { kind: "referrers", repository, digest });
    expect(answer).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining("is elsewhere") },
    });
    expect(asked).toEqual([`https://r.example/v2/app/referrers/${digest}`]);
  });

  test.each([
    ['; title="a"; rel="next"', "next"],
    ["; rel=next; count=2", "next"],
    ['; REL = "last next"', "next"],
    ['; title="next"', "unreadable"],
    ['; rel="next', "unreadable"],
    ['; rel="prev"', "none"],
    ["", "none"],
  ] as const)("a link with the parameters %s: %s page", async (parameters, page) => {
    const { registry, digest } = hung((registry, image) => void bundleReferrer(registry, image.digest));
    registry.inject({
      path: "/referrers/",
      times: 1,
      effect: {
        kind: "headers",
        headers: { link: `</v2/app/referrers/${digest}?n=1&last=0>${parameters}` },
      },
    });
    const source = registrySource({ fetch: registry.fetch });
    const answer = await ask<"referrers">(source, { kind: "referrers", repository, digest });
    const asked = registry.requests.filter(({ path }) => path.includes("/referrers/")).length;
    expect([answer.ok, asked]).toEqual([page !== "unreadable", page === "next" ? 2 : 1]);
  });

  test("one referrer listed over and over does not hide those of later pages", async () => {
    const { registry, digest } = hung((registry, image) => {
      for (const i of ["0", "1"]) bundleReferrer(registry, image.digest, { annotations: { i } });
    });
    const listed = await registry.fetch(`https://r.example/v2/app/referrers/${digest}`);
    const { manifests, ...index } = (await listed.json()) as { readonly manifests: readonly object[] };
    const [first, second] = manifests;
    const next = { link: `</v2/app/referrers/${digest}?n=2>; rel="next"` };
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const url = String(input);
      if (!url.includes("/referrers/")) return registry.fetch(input, init);
      const isLast = url.endsWith("?n=2");
      const page = { ...index, manifests: isLast ? [second] : Array(101).fill(first) };
      return Response.json(page, { headers: isLast ? {} : next });
    };
    const answer = await ask<"referrers">(registrySource({ fetch }), {
      kind: "referrers",
      repository,
      digest,
    });
    expect(summary(answer)).toBe("bundle bundle");
  });

  test("a page that fails fails the listing: some are never taken for all", async () => {
    const { registry, digest } = hung(
      (registry, image) => {
        for (let i = 0; i < 5; i++) bundleReferrer(registry, image.digest, { annotations: { i: String(i) } });
      },
      { pageSize: 2 },
    );
    registry.inject({ path: "/referrers/", after: 1, effect: { kind: "status", status: 404 } });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask<"referrers">(source, { kind: "referrers", repository, digest }))).toBe(
      "unavailable",
    );
  });
});

describe("what the fallback tag lists", () => {
  const index = (registry: Registry, tag: string, manifests: readonly unknown[]) =>
    registry.pushManifest("app", { schemaVersion: 2, mediaType: indexType, manifests }, { tag });

  test.each<[string, string, Parameters<typeof hung>[0]]>([
    [
      "a bundle that is described as empty",
      "bundle",
      (registry, { digest, tag }) => {
        const { size, ...found } = bundleReferrer(registry, digest);
        index(registry, tag, [{ ...found, size, artifactType: empty.mediaType }]);
      },
    ],
    [
      "one bundle twice",
      "bundle",
      (registry, { digest, tag }) => {
        const found = bundleReferrer(registry, digest);
        index(registry, tag, [found, found]);
      },
    ],
    [
      "a manifest that was deleted",
      "malformed bundle",
      (registry, { digest, tag }) => {
        const found = bundleReferrer(registry, digest);
        index(registry, tag, [{ ...found, digest: `sha256:${"c".repeat(64)}` }, found]);
      },
    ],
    [
      "an image in place of an index",
      "malformed",
      (registry, { tag }) =>
        void registry.pushManifest(
          "app",
          { schemaVersion: 2, mediaType: manifestType, config: empty, layers: [] },
          { tag },
        ),
    ],
    [
      "10 itself",
      "malformed",
      (registry, { tag }) => {
        const inner = index(registry, "inner", []);
        index(registry, tag, [inner]);
      },
    ],
    ["nothing", "nothing", (registry, { tag }) => void index(registry, tag, [])],
    ...[
      ["application/vnd.dev.cosign.artifact.att.v1+json", "malformed"] as const,
      [bundleType, "malformed"] as const,
      [empty.mediaType, "malformed"] as const,
      ["application/spdx+json", "nothing"] as const,
    ].map(([artifactType, outcome]): [string, string, Parameters<typeof hung>[0]] => [
      `what cannot be read and is called ${artifactType}`,
      outcome,
      (registry, { tag }) => {
        const inner = index(registry, "inner", []);
        index(registry, tag, [{ ...inner, artifactType }]);
      },
    ]),
    [
      "a login page",
      "unavailable",
      (registry, { tag }) => {
        const headers = { "content-type": "text/html" };
        registry.inject({
          path: `/manifests/${tag}`,
          effect: { kind: "status", status: 200, headers, body: "<html>" },
        });
      },
    ],
  ])("%s: %s", async (_, outcome, build) => {
    expect(await seen("tag", build)).toBe(outcome);
  });

  test("12 a manifest of other bytes than the index names: digestMismatch", async () => {
    const { registry, digest } = hung((registry, image) => {
      index(registry, image.tag, [bundleReferrer(registry, image.digest)]);
    });
    registry.inject({
      path: "/manifests/sha256:",
      effect: { kind: "replace", body: `{"schemaVersion":2,"layers":[]}` },
    });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask<"referrersTag">(source, { kind: "referrersTag", repository, digest }))).toBe(
      "digestMismatch",
    );
  });
});

describe("what one referrer says of a layer does not become what is found of another", () => {
  const bundleSize = `{"bundle":"for sha256:${"0".repeat(64)}"}`.length;
  const layerOf = (registry: Registry, subject: string) =>
    registry.pushBlob("app", `{"bundle":"for ${subject}"}`, bundleType);

  test.each([
    ["smaller than it is", -1, "malformed|tooLarge"],
    ["larger than it is", 1, "malformed"],
    ["larger than any may be", 2 ** 40, "tooLarge"],
  ])("when its size is said to be %s", async (_, more, found) => {
    for (const liesFirst of [true, false]) {
      const { registry, digest } = hung((registry, image) => {
        const layer = layerOf(registry, image.digest);
        expect(layer.size).toBe(bundleSize);
        const honest = () => bundleReferrer(registry, image.digest);
        const lie = () =>
          bundleReferrer(registry, image.digest, { layers: [{ ...layer, size: layer.size + more }] });
        for (const push of liesFirst ? [lie, honest] : [honest, lie]) push();
      });
      const source = registrySource({ fetch: registry.fetch, retry: { attempts: 1 } });
      const seen = summary(await ask<"referrers">(source, { kind: "referrers", repository, digest }));
      expect(seen.split(" ").sort().join(" ")).toMatch(new RegExp(`^bundle (?:${found})$`));
    }
  });

  test("when it is said to be a manifest", async () => {
    const { registry, digest } = hung((registry, image) => {
      const honest = bundleReferrer(registry, image.digest);
      const layer = { ...layerOf(registry, image.digest), mediaType: manifestType };
      const index = { schemaVersion: 2, mediaType: indexType, manifests: [layer, honest] };
      registry.pushManifest("app", index, { tag: image.tag });
    });
    const source = registrySource({ fetch: registry.fetch, retry: { attempts: 1 } });
    const seen = summary(await ask<"referrersTag">(source, { kind: "referrersTag", repository, digest }));
    expect(seen).toBe("malformed bundle");
  });

  test("and what is said rightly is asked for once, by however many", async () => {
    const { registry, digest } = hung((registry, image) => {
      bundleReferrer(registry, image.digest);
      bundleReferrer(registry, image.digest, { annotations: { another: "one" } });
    });
    const source = registrySource({ fetch: registry.fetch });
    expect(summary(await ask<"referrers">(source, { kind: "referrers", repository, digest }))).toBe(
      "bundle bundle",
    );
    expect(registry.requests.filter(({ path }) => path.includes("/blobs/"))).toHaveLength(1);
  });
});

describe("digests", () => {
  test("01 a tag is asked once for one digest, by one GET", async () => {
    const { registry, digest } = hung(() => undefined);
    const source = registrySource({ fetch: registry.fetch });
    const answer = await ask<"digest">(source, {
      kind: "digest",
      image: parseImageReference(`${repository}:v1`),
    });
    expect(answer).toEqual({ ok: true, value: { digest }, requests: 1 });
    expect(registry.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v2/app/manifests/v1",
    ]);
  });

  test("03 04 headers have no say in what a tag's digest is", async () => {
    const { registry, digest } = hung(() => undefined);
    const lie = `sha256:${"0".repeat(64)}`;
    registry.inject({ effect: { kind: "headers", headers: { "docker-content-digest": lie, etag: lie } } });
    const source = registrySource({ fetch: registry.fetch });
    const answer = await ask<"digest">(source, {
      kind: "digest",
      image: parseImageReference(`${repository}:v1`),
    });
    expect(answer).toMatchObject({ ok: true, value: { digest } });
  });

  test("02 other bytes than the digest names: digestMismatch", async () => {
    const { registry, digest } = hung(() => undefined);
    registry.inject({ effect: { kind: "replace", body: `{"schemaVersion":2,"layers":[]}` } });
    const source = registrySource({ fetch: registry.fetch });
    const answer = await ask<"digest">(source, {
      kind: "digest",
      image: parseImageReference(`${repository}@${digest}`),
    });
    expect(summary(answer)).toBe("digestMismatch");
  });

  test.each([
    ["is manifest and index at once", { manifests: [], layers: [], config: empty }],
    ["is neither", { hello: "world" }],
    ["is of Docker's schema 1", { schemaVersion: 1, fsLayers: [], config: empty }],
    ["has a subject without digest", { layers: [], subject: {} }],
  ])("10 an image that %s: malformed", async (_, document) => {
    const { registry } = hung(() => undefined);
    registry.pushManifest("app", { schemaVersion: 2, mediaType: manifestType, ...document }, { tag: "odd" });
    const source = registrySource({ fetch: registry.fetch });
    const answer = await ask<"digest">(source, {
      kind: "digest",
      image: parseImageReference(`${repository}:odd`),
    });
    expect(summary(answer)).toBe("malformed");
  });

  test("20 an image with tag and digest is asked for by its digest", async () => {
    const { registry, digest } = hung(() => undefined);
    const source = registrySource({ fetch: registry.fetch });
    const image = parseImageReference(`${repository}:elsewhere@${digest}`);
    expect(summary(await ask<"digest">(source, { kind: "digest", image }))).toBe("digest");
    expect(registry.requests.map(({ path }) => path)).toEqual([`/v2/app/manifests/${digest}`]);
  });

  test.each([
    ["r.example@evil.example", "app"],
    ["r.example:80:90", "app"],
    ["r.example/../../x", "app"],
    ["r.example#", "app"],
    ["r.example?x=", "app"],
    ["r.example", "../../x"],
    ["r.example", "a/%2e%2e/%2e%2e/%2e%2e/x"],
    ["r.example", "a?x="],
    ["r.example", "a#"],
    ["r.example", "a b"],
    ["r.example", ""],
  ])("20 %s with %j is no repository: nothing is sent", async (host, repository) => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(String(url));
      return new Response("{}");
    };
    const image = { registry: host, repository, tag: "v1", text: "x" };
    const answer = await ask<"digest">(registrySource({ fetch, retry: { attempts: 1 } }), {
      kind: "digest",
      image,
    });
    expect(summary(answer)).toBe("malformed");
    expect(asked).toEqual([]);
  });
});

describe("what is remembered of signatures", () => {
  /** Whether who asks twice gets the very same objects, which were kept for that. */
  async function isKept(annotation: string): Promise<boolean> {
    const { registry, digest } = hung((registry, { tag }) => {
      const annotations = { "dev.cosignproject.cosign/signature": "MEU=", filler: annotation };
      const layers = [signature(registry, "{}", { annotations })];
      const config = registry.pushBlob("app", "{}");
      const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers };
      registry.pushManifest("app", manifest, { tag: `${tag}.sig` });
    });
    const source = registrySource({ fetch: registry.fetch });
    const lookup = { kind: "signatureTag", repository, digest } as const;
    const [first, second] = [
      await ask<"signatureTag">(source, lookup),
      await ask<"signatureTag">(source, lookup),
    ];
    if (!first.ok || !second.ok) throw new Error("the signature was not read");
    expect([summary(first), summary(second)]).toEqual(["legacy", "legacy"]);
    return first.value.candidates[0] === second.value.candidates[0];
  }

  test("are those of usual size", async () => expect(await isKept("")).toBe(true));

  test("are not those that bring megabytes of annotations: thousands of them would fill the memory", async () =>
    expect(await isKept("x".repeat(1024 * 1024))).toBe(false));
});
