import { gzipSync } from "node:zlib";
import {
  createKey,
  createRegistry,
  type Fault,
  image,
  type PushedImage,
  type Registry,
  slsa,
} from "@assay/testkit";
import { attach, fallbackTag } from "@assay/testkit/parts";
import { afterEach, describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { engineOf, HOST, judgePod, type WorldOptions, world } from "./engine-world.ts";
import { type Judged, policyKey } from "./world.ts";

const good = image({ content: "good" }).signedBy(policyKey);
const evil = image({ content: "evil" });
const servers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A registry with the signed image, where one kind of request goes wrong. */
async function faulty(
  fault: Omit<Fault, "effect"> & Pick<Fault, "effect">,
  options: WorldOptions = {},
): Promise<Judged> {
  const registry = world();
  const pushed = good.pushTo(registry);
  registry.inject(fault);
  return await judgePod(registry, pushed.byDigest, options);
}

/** The same for an image signed with a bundle, found as a referrer. */
async function faultyReferrer(fault: Fault, referrersApi = true): Promise<Judged> {
  const registry = world({ referrersApi });
  const pushed = image({ content: "good" })
    .using({ format: "bundle-v0.3" })
    .signedBy(policyKey)
    .pushTo(registry);
  registry.inject(fault);
  return await judgePod(registry, pushed.byDigest);
}

describe("tags and digests", () => {
  test("1 a tag that moves after it was resolved: allowed", async () => {
    const registry = world();
    const pushed = good.pushTo(registry);
    const moved = evil.pushTo(world());
    registry.pushManifest("acme/app", evil.manifest);
    registry.inject({
      path: "/manifests/v1",
      effect: {
        kind: "answer",
        answer: async (_, next) => {
          const answer = await next();
          registry.tag("acme/app", "v1", moved.digest);
          return answer;
        },
      },
    });
    const evaluate = engineOf(registry);
    const { verdict, asked } = await evaluate(pushed.reference);
    expect(verdict.allowed).toBe(true);
    expect(verdict.patches).toEqual([
      { op: "replace", path: "/spec/containers/0/image", value: pushed.pinned },
    ]);
    expect(asked.filter((url) => url.endsWith("/manifests/v1"))).toHaveLength(1);
    expect(asked.filter((url) => url.includes(moved.digest.slice(7)))).toEqual([]);
    expect((await evaluate(pushed.reference)).verdict.allowed).toBe(false);
  });

  const blob = /\/blobs\//;
  /** What was sent is not what was asked for: a reason to ask again, never to allow. */
  const LIES = { want: "error", code: "digestMismatch" } as const;
  const lie = { "docker-content-digest": good.digest };
  abuseCases([
    {
      name: "2 an honest registry",
      judge: () => faulty({ path: "/none", effect: { kind: "hang" } }),
      want: "allowed",
    },
    {
      name: "2 other bytes under the tag",
      judge: () => tagged({ path: "/manifests/v1", effect: { kind: "replace", body: evil.manifest } }),
      code: "notSigned",
    },
    {
      ...LIES,
      name: "2 other bytes under a signature's digest",
      judge: () => faulty({ path: blob, effect: { kind: "replace", body: "{}" } }),
    },
    {
      ...LIES,
      name: "2 other bytes under a referrer's digest",
      judge: () =>
        faultyReferrer({ path: /manifests\/sha256:/, effect: { kind: "replace", body: evil.manifest } }),
    },
    {
      name: "3 another image under a header with the signed digest",
      judge: () => tagged({ path: "/manifests/v1", effect: replyWith(evil.manifest, lie) }),
      code: "notSigned",
    },
    {
      name: "3 another image, the header lies on HEAD only",
      judge: () =>
        tagged({
          path: "/manifests/v1",
          effect: {
            kind: "answer",
            answer: async (request) =>
              reply(
                request.method === "HEAD" ? good.manifest : evil.manifest,
                request.method === "HEAD" ? lie : {},
              ),
          },
        }),
      code: "notSigned",
    },
    {
      name: "3 the signed image under a header with another digest",
      judge: () =>
        tagged({
          path: "/manifests/v1",
          effect: { kind: "headers", headers: { "docker-content-digest": evil.digest } },
        }),
      want: "allowed",
    },
    {
      name: "4 HEAD and GET that name different images",
      judge: () => tagged({ method: "GET", path: "/manifests/v1", effect: replyWith(evil.manifest, lie) }),
      code: "notSigned",
    },
    ...bothEnds("5 an endless signature manifest", { path: ".sig", effect: { kind: "endless" } }, "tooLarge"),
    {
      name: "5 an endless image manifest",
      judge: () => tagged({ path: "/manifests/v1", effect: { kind: "endless" } }),
      code: "tooLarge",
    },
    { name: "5 an endless signature", judge: () => faulty({ path: blob, effect: { kind: "endless" } }) },
    {
      name: "5 an endless list of referrers",
      judge: () => faultyReferrer({ path: "/referrers/", effect: { kind: "endless" } }),
    },
    { name: "5 an endless bundle", judge: () => faultyReferrer({ path: blob, effect: { kind: "endless" } }) },
    {
      name: "5 a manifest that says 100 MB",
      judge: () =>
        faulty({ path: ".sig", effect: { kind: "headers", headers: { "content-length": "104857600" } } }),
      code: "tooLarge",
    },
    {
      name: "6 a body longer than its Content-Length",
      judge: () =>
        faulty({
          path: blob,
          effect: {
            kind: "answer",
            answer: async (_, next) =>
              reply(
                Buffer.concat([new Uint8Array(await (await next()).arrayBuffer()), Buffer.from("more")]),
                { "content-length": "10" },
              ),
          },
        }),
    },
    {
      name: "6 a body that breaks off",
      judge: () => faulty({ path: blob, effect: { kind: "truncate", bytes: 20 } }),
      want: "error",
      code: "unavailable",
    },
    {
      ...LIES,
      name: "6 a body that is cut off",
      judge: () =>
        faulty({
          path: blob,
          effect: {
            kind: "answer",
            answer: async (_, next) =>
              reply(new Uint8Array(await (await next()).arrayBuffer()).slice(0, 20), {}),
          },
        }),
    },
    { name: "6 a descriptor smaller than its blob", judge: () => resized(-1) },
    { name: "6 a descriptor larger than its blob", judge: () => resized(1) },
    {
      ...LIES,
      name: "9 a payload swapped under a valid signature",
      judge: () =>
        faulty({
          path: blob,
          effect: {
            kind: "replace",
            body: JSON.stringify({ critical: { image: { "docker-manifest-digest": good.digest } } }),
          },
        }),
    },
    { name: "11 a referrer whose subject is another image", judge: () => foreignReferrer(true) },
    {
      name: "11 a referrer whose subject is another image, under the fallback tag",
      judge: () => foreignReferrer(false),
    },
    {
      ...LIES,
      name: "12 a fallback tag that lists a digest and serves other bytes",
      judge: () =>
        faultyReferrer({ path: /manifests\/sha256:/, effect: { kind: "replace", body: "{}" } }, false),
    },
    {
      name: "13 a referrer's annotations that claim a signature over provenance",
      judge: () => mislabelled(),
    },
  ]);

  function bothEnds(name: string, fault: Fault, code: string): readonly AbuseCase[] {
    return [{ name, judge: () => faulty(fault), code }];
  }

  async function tagged(fault: Fault): Promise<Judged> {
    const registry = world();
    const pushed = good.pushTo(registry);
    registry.inject(fault);
    return await judgePod(registry, pushed.reference);
  }

  /** The signature's descriptor states another size than its blob has. */
  async function resized(by: number): Promise<Judged> {
    const registry = world();
    const pushed = good.pushTo(registry);
    rewrite(registry, pushed, (manifest) => {
      manifest.layers[0].size += by;
    });
    return await judgePod(registry, pushed.byDigest);
  }

  /** A genuine bundle about this image whose manifest says that it belongs to another. */
  async function foreignReferrer(referrersApi: boolean): Promise<Judged> {
    const registry = world({ referrersApi: false });
    const pushed = image({ content: "good" }).pushTo(registry);
    const { artifacts } = image({ content: "good" }).using({ format: "bundle-v0.3" }).signedBy(policyKey);
    const other = evil.pushTo(registry);
    const subject = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: other.digest,
      size: evil.manifest.length,
    };
    attach({ registry, repository: "acme/app", subject }, artifacts);
    const list = registry.manifest("acme/app", fallbackTag(other.digest)) ?? new Uint8Array();
    registry.pushManifest("acme/app", list, { tag: fallbackTag(pushed.digest) });
    if (referrersApi)
      registry.inject({
        path: `/referrers/${pushed.digest}`,
        effect: replyWith(list, { "content-type": "application/vnd.oci.image.index.v1+json" }),
      });
    return await judgePod(registry, pushed.byDigest);
  }

  async function mislabelled(): Promise<Judged> {
    const registry = world();
    const [bundle] = image({ content: "good" })
      .using({ format: "bundle-v0.3" })
      .attestedBy(policyKey, slsa()).artifacts;
    if (bundle?.kind !== "bundle") throw new Error("not a bundle");
    const annotations = {
      ...bundle.annotations,
      "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
    };
    const pushed = image({ content: "good" })
      .carrying({ ...bundle, annotations })
      .pushTo(registry);
    return await judgePod(registry, pushed.byDigest);
  }
});

interface EditableManifest {
  layers: [{ size: number }, ...{ size: number }[]];
}

/** Changes the `.sig` manifest of a pushed image. */
function rewrite(
  registry: Registry,
  pushed: PushedImage,
  change: (manifest: EditableManifest) => void,
): void {
  const tag = `${fallbackTag(pushed.digest)}.sig`;
  const manifest: EditableManifest = JSON.parse(
    Buffer.from(registry.manifest("acme/app", tag) ?? []).toString(),
  );
  change(manifest);
  registry.pushManifest("acme/app", manifest, { tag });
}

function reply(body: Uint8Array, headers: Record<string, string>): Response {
  return new Response(new Uint8Array(body), { headers });
}

function replyWith(body: Uint8Array, headers: Record<string, string>): Fault["effect"] {
  return { kind: "answer", answer: async () => reply(body, headers) };
}

describe("numbers", () => {
  const layers = async (count: number): Promise<Judged> => {
    const registry = world();
    const pushed = good.pushTo(registry);
    rewrite(registry, pushed, (manifest) => {
      const [first] = manifest.layers;
      manifest.layers.push(...Array.from({ length: count - 1 }, () => first));
    });
    return await judgePod(registry, pushed.byDigest);
  };
  const referrers = async (count: number, referrersApi: boolean): Promise<Judged> => {
    const registry = world({ referrersApi, pageSize: 50 });
    const [bundle] = image({ content: "good" })
      .using({ format: "bundle-v0.3" })
      .signedBy(createKey()).artifacts;
    if (bundle?.kind !== "bundle") throw new Error("not a bundle");
    const many = Array.from({ length: count }, (_, i) => ({
      ...bundle,
      annotations: { ...bundle.annotations, i: String(i) },
    }));
    return await judgePod(
      registry,
      image({ content: "good" })
        .carrying(...many)
        .pushTo(registry).byDigest,
    );
  };
  abuseCases([
    { name: "7 1,001 signatures behind one tag", judge: () => layers(1001), code: "tooMany" },
    { name: "7 101 referrers", judge: () => referrers(101, true), code: "tooMany" },
    { name: "7 101 referrers behind the fallback tag", judge: () => referrers(101, false), code: "tooMany" },
    {
      name: "7 pages of referrers that never end",
      judge: () =>
        faultyReferrer({
          path: "/referrers/",
          effect: {
            kind: "answer",
            answer: async (request, next) => {
              const answer = await next();
              const headers = new Headers(answer.headers);
              headers.set("link", `<${new URL(request.url).pathname}>; rel="next"`);
              return new Response(answer.body, { headers });
            },
          },
        }),
      want: "error",
    },
    {
      name: "7 empty pages of referrers that never end",
      judge: async () => {
        const registry = world();
        const pushed = image({ content: "good" }).pushTo(registry);
        const headers = { link: `</v2/acme/app/referrers/${pushed.digest}>; rel="next"` };
        registry.inject({ path: "/referrers/", effect: { kind: "headers", headers } });
        return await judgePod(registry, pushed.byDigest);
      },
      want: "error",
    },
    {
      name: "8 a signature that the server sends compressed",
      want: "error",
      judge: () => compressed((body) => gzipSync(body)),
    },
    {
      name: "8 a signature that unpacks to 100 MB",
      want: "error",
      judge: () => compressed(() => gzipSync(new Uint8Array(100 * 1024 * 1024))),
    },
    { name: "10 a child of a signed index", judge: () => childOfIndex("child") },
    { name: "10 a signed index", judge: () => childOfIndex("index"), want: "allowed" },
    {
      name: "10 an index under the fallback tag that lists itself and indexes",
      judge: () => nestedIndexes(),
    },
  ]);

  /** Over a real socket: Node's fetch unpacks whatever says that it is compressed. */
  async function compressed(change: (body: Uint8Array) => Uint8Array): Promise<Judged> {
    const registry = createRegistry();
    const pushed = good.pushTo(registry);
    registry.inject({
      path: "/blobs/",
      effect: {
        kind: "answer",
        answer: async (_, next) =>
          reply(change(new Uint8Array(await (await next()).arrayBuffer())), { "content-encoding": "gzip" }),
      },
    });
    const server = await registry.listen();
    servers.push(server);
    const { byDigest } = pushed;
    return await judgePod(registry, byDigest.replace(registry.host, server.host), {
      source: { fetch: globalThis.fetch },
    });
  }

  async function childOfIndex(which: "child" | "index"): Promise<Judged> {
    const registry = world();
    const child = image({ content: "good" }).pushTo(registry);
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const bytes = new TextEncoder().encode(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        manifests: [
          {
            mediaType: "application/vnd.oci.image.manifest.v1+json",
            digest: child.digest,
            size: good.manifest.length,
            platform: { os: "linux", architecture: "amd64" },
          },
        ],
      }),
    );
    const index = registry.pushManifest("acme/app", bytes, { tag: "multi" });
    const claim = {
      critical: {
        identity: { "docker-reference": "" },
        image: { "docker-manifest-digest": index.digest },
        type: "cosign container image signature",
      },
      optional: null,
    };
    const { artifacts } = image().signedBy(policyKey, { edit: { payload: () => claim } });
    attach({ registry, repository: "acme/app", subject: index }, artifacts);
    return await judgePod(registry, `${HOST}/acme/app@${which === "child" ? child.digest : index.digest}`);
  }

  async function nestedIndexes(): Promise<Judged> {
    const registry = world({ referrersApi: false });
    const pushed = image({ content: "good" }).pushTo(registry);
    const mediaType = "application/vnd.oci.image.index.v1+json";
    let inner = registry.pushManifest("acme/app", { schemaVersion: 2, mediaType, manifests: [] });
    for (let depth = 0; depth < 50; depth++)
      inner = registry.pushManifest("acme/app", { schemaVersion: 2, mediaType, manifests: [inner, inner] });
    registry.tag("acme/app", fallbackTag(pushed.digest), inner.digest);
    return await judgePod(registry, pushed.byDigest);
  }
});
