import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { hostFetch } from "./host-fetch.ts";
import { createRegistry, type Registry } from "./registry.ts";
import type { RunningServer } from "./server.ts";

const servers: RunningServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const MANIFEST = { schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", layers: [] };
const referrer = (subject: string, artifactType: string, note = ""): object => ({
  ...MANIFEST,
  artifactType,
  subject: { mediaType: MANIFEST.mediaType, digest: subject, size: 1 },
  annotations: { note },
});

function at(registry: Registry, path: string, init?: RequestInit): Promise<Response> {
  return registry.fetch(`https://registry.test${path}`, init);
}

async function over(registry: Registry): Promise<{ name: string; get: typeof at }[]> {
  const server = await registry.listen();
  servers.push(server);
  return [
    { name: "fetch", get: at },
    { name: "loopback server", get: (_, path, init) => fetch(`${server.url}${path}`, init) },
  ];
}

describe("what is pushed can be pulled, through fetch and through the loopback server alike", () => {
  test("manifests by tag and by digest, with HEAD giving the same headers and no body", async () => {
    const registry = createRegistry();
    const { digest, size } = registry.pushManifest("acme/app", MANIFEST, { tag: "v1" });
    for (const { get } of await over(registry)) {
      for (const reference of ["v1", digest]) {
        const answer = await get(registry, `/v2/acme/app/manifests/${reference}`);
        expect(answer.status).toBe(200);
        expect(answer.headers.get("docker-content-digest")).toBe(digest);
        expect(answer.headers.get("content-type")).toBe(MANIFEST.mediaType);
        expect(await answer.json()).toEqual(MANIFEST);
        const head = await get(registry, `/v2/acme/app/manifests/${reference}`, { method: "HEAD" });
        expect(head.headers.get("content-length")).toBe(String(size));
        expect(await head.text()).toBe("");
      }
    }
  });

  test("a blob uploaded in one POST, in POST and PUT, in chunks, and by mount", async () => {
    const registry = createRegistry();
    const bytes = "hello blob";
    const { digest } = registry.pushBlob("source/repo", bytes);
    for (const [index, { get }] of (await over(registry)).entries()) {
      const put = (path: string, init: RequestInit): Promise<Response> => get(registry, path, init);
      const repository = (name: string): string => `/v2/acme/${name}${index}`;
      const one = await put(`${repository("one")}/blobs/uploads/?digest=${digest}`, {
        method: "POST",
        body: bytes,
      });
      expect(one.status).toBe(201);
      const open = async (name: string): Promise<string> => {
        const answer = await put(`${repository(name)}/blobs/uploads/`, { method: "POST" });
        expect(answer.status).toBe(202);
        return answer.headers.get("location") ?? "";
      };
      const two = await put(`${await open("two")}?digest=${digest}`, { method: "PUT", body: bytes });
      expect(two.status).toBe(201);
      const chunked = await open("three");
      const ranges = [
        ["hello", "0-4"],
        [" blob", "5-9"],
      ] as const;
      for (const [body, range] of ranges)
        expect(
          (await put(chunked, { method: "PATCH", body, headers: { "content-range": range } })).status,
        ).toBe(202);
      expect((await put(`${chunked}?digest=${digest}`, { method: "PUT" })).status).toBe(201);
      const mounted = `${repository("four")}/blobs/uploads/?mount=${digest}&from=source/repo`;
      expect((await put(mounted, { method: "POST" })).status).toBe(201);
      for (const name of ["one", "two", "three", "four"])
        expect(await (await get(registry, `${repository(name)}/blobs/${digest}`)).text()).toBe(bytes);
    }
  });

  test("a manifest pushed over HTTP names its subject in the answer", async () => {
    const registry = createRegistry();
    const { digest } = registry.pushManifest("acme/app", MANIFEST);
    const body = JSON.stringify(referrer(digest, "a/b"));
    const answer = await at(registry, "/v2/acme/app/manifests/sig", { method: "PUT", body });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("oci-subject")).toBe(digest);
    expect(registry.manifest("acme/app", "sig")).toEqual(new TextEncoder().encode(body));
  });
});

test.each([
  ["/v2/none/here/manifests/v1", 404, "NAME_UNKNOWN"],
  ["/v2/acme/app/manifests/none", 404, "MANIFEST_UNKNOWN"],
  [`/v2/acme/app/blobs/sha256:${"0".repeat(64)}`, 404, "BLOB_UNKNOWN"],
  ["/v2/none/here/tags/list", 404, "NAME_UNKNOWN"],
])("%s is answered %i %s", async (path, status, code) => {
  const registry = createRegistry();
  registry.pushManifest("acme/app", MANIFEST, { tag: "v1" });
  const answer = await at(registry, path);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ errors: [{ code }] });
});

test("bytes that do not hash to the digest they are pushed under are refused", async () => {
  const registry = createRegistry();
  const digest = `sha256:${"0".repeat(64)}`;
  const blob = await at(registry, `/v2/a/blobs/uploads/?digest=${digest}`, { method: "POST", body: "x" });
  expect(blob.status).toBe(400);
  const manifest = await at(registry, `/v2/a/manifests/${digest}`, { method: "PUT", body: "{}" });
  expect(manifest.status).toBe(400);
});

describe("the referrers API", () => {
  function withReferrers(count: number, options = {}): { registry: Registry; digest: string } {
    const registry = createRegistry(options);
    const { digest } = registry.pushManifest("acme/app", MANIFEST);
    for (let i = 0; i < count; i++)
      registry.pushManifest("acme/app", referrer(digest, i % 2 === 0 ? "t/even" : "t/odd", String(i)));
    return { registry, digest };
  }

  test("lists artifact type and annotations page by page, each page naming the next", async () => {
    const { registry, digest } = withReferrers(5, { pageSize: 2 });
    const notes: unknown[] = [];
    let path = `/v2/acme/app/referrers/${digest}`;
    for (let pages = 0; path !== "" && pages < 10; pages++) {
      const answer = await at(registry, path);
      const { manifests } = (await answer.json()) as { manifests: { annotations: { note: string } }[] };
      expect(manifests.length).toBeLessThanOrEqual(2);
      notes.push(...manifests.map((descriptor) => descriptor.annotations.note));
      path = /<(.+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1] ?? "";
    }
    expect(notes).toEqual(["0", "1", "2", "3", "4"]);
  });

  test("filters by artifact type and says that it did", async () => {
    const { registry, digest } = withReferrers(3);
    const answer = await at(registry, `/v2/acme/app/referrers/${digest}?artifactType=t/odd`);
    expect(answer.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(await answer.json()).toMatchObject({ manifests: [{ artifactType: "t/odd" }] });
  });

  test("answers an empty list for an image without referrers, and 404 where it is switched off", async () => {
    const { registry } = withReferrers(0);
    const other = `sha256:${"1".repeat(64)}`;
    expect(await (await at(registry, `/v2/acme/app/referrers/${other}`)).json()).toMatchObject({
      manifests: [],
    });
    const { registry: old, digest } = withReferrers(1, { referrersApi: false });
    expect((await at(old, `/v2/acme/app/referrers/${digest}`)).status).toBe(404);
  });
});

test("tags are listed page by page in order", async () => {
  const registry = createRegistry();
  for (const tag of ["b", "c", "a"]) registry.pushManifest("acme/app", MANIFEST, { tag });
  const first = await at(registry, "/v2/acme/app/tags/list?n=2");
  expect(await first.json()).toEqual({ name: "acme/app", tags: ["a", "b"] });
  expect(first.headers.get("link")).toBe('</v2/acme/app/tags/list?n=2&last=b>; rel="next"');
  expect(registry.tags()).toEqual({ "acme/app": ["b", "c", "a"] });
});

describe("what is pushed", () => {
  /** A body that never ends, and how much of it was asked for. */
  function endless(): { readonly body: ReadableStream<Uint8Array>; readonly pulled: () => number } {
    let pulled = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      pulled += 1000;
      controller.enqueue(new Uint8Array(1000));
    };
    return { body: new ReadableStream({ pull }, { highWaterMark: 0 }), pulled: () => pulled };
  }

  test.each([
    ["PUT", "manifests/v1"],
    ["POST", "blobs/uploads/"],
  ])("is not read beyond the limit: %s %s", async (method, path) => {
    const registry = createRegistry({ maxUploadBytes: 10_000 });
    const { body, pulled } = endless();
    const init = { method, body, duplex: "half" } as RequestInit;
    const { status } = await registry.handle(new Request(`https://registry.test/v2/acme/app/${path}`, init));
    expect(status).toBe(413);
    expect(pulled()).toBeLessThan(20_000);
    const server = await registry.listen();
    servers.push(server);
    const sent = await fetch(`${server.url}/v2/acme/app/${path}`, { method, body: new Uint8Array(20_000) });
    expect(sent.status).toBe(413);
  });

  test("under another digest than its own is not kept", async () => {
    const registry = createRegistry();
    const digest = `sha256:${"0".repeat(64)}`;
    const body = JSON.stringify(MANIFEST);
    const { status } = await at(registry, `/v2/acme/app/manifests/${digest}`, { method: "PUT", body });
    expect(status).toBe(400);
    expect(registry.manifests()).toEqual([]);
    expect(registry.tags()).toEqual({});
  });

  test("to an upload that nobody began makes no repository", async () => {
    const registry = createRegistry();
    for (const method of ["PATCH", "PUT", "GET", "DELETE"]) {
      const body = method === "GET" ? {} : { body: "x" };
      const { status } = await at(registry, "/v2/acme/app/blobs/uploads/1", { method, ...body });
      expect(status).toBe(404);
    }
    expect(registry.tags()).toEqual({});
  });

  test.each(["sha256", "sha384", "sha512"])("by its %s digest can be pulled by it", async (algorithm) => {
    const registry = createRegistry();
    const digest = `${algorithm}:${createHash(algorithm).update("blob").digest("hex")}`;
    const init = { method: "POST", body: "blob" };
    expect((await at(registry, `/v2/a/b/blobs/uploads/?digest=${digest}`, init)).status).toBe(201);
    const pulled = await at(registry, `/v2/a/b/blobs/${digest}`);
    expect([await pulled.text(), pulled.headers.get("docker-content-digest")]).toEqual(["blob", digest]);
  });
});

test("a path that cannot be decoded is no path", async () => {
  const registry = createRegistry();
  for (const { get } of await over(registry))
    expect((await get(registry, "/v2/acme/app/manifests/%zz")).status).toBe(404);
});

test("every request is on record with method, path, status and headers", async () => {
  const registry = createRegistry();
  registry.pushManifest("acme/app", MANIFEST, { tag: "v1" });
  await at(registry, "/v2/acme/app/manifests/v1", { headers: { accept: "x/y" } });
  await at(registry, "/v2/acme/app/manifests/v2", { method: "HEAD" });
  expect(registry.requests).toMatchObject([
    {
      method: "GET",
      host: "registry.test",
      path: "/v2/acme/app/manifests/v1",
      status: 200,
      headers: { accept: "x/y" },
    },
    { method: "HEAD", path: "/v2/acme/app/manifests/v2", status: 404 },
  ]);
  registry.forgetRequests();
  expect(registry.requests).toEqual([]);
});

describe("credentials", () => {
  const basic = `Basic ${Buffer.from("me:secret").toString("base64")}`;

  test("basic: challenged without, answered with", async () => {
    const registry = createRegistry({ auth: { kind: "basic", username: "me", password: "secret" } });
    const refused = await at(registry, "/v2/");
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
      401,
      'Basic realm="registry"',
    ]);
    expect((await at(registry, "/v2/", { headers: { authorization: basic } })).status).toBe(200);
  });

  test("bearer: a token for one repository does not open another", async () => {
    const registry = createRegistry({ auth: { kind: "bearer", username: "me", password: "secret" } });
    registry.pushManifest("acme/app", MANIFEST, { tag: "v1" });
    const challenge = await at(registry, "/v2/acme/app/manifests/v1");
    expect(challenge.headers.get("www-authenticate")).toBe(
      'Bearer realm="https://registry.test/token",service="registry.test",scope="repository:acme/app:pull"',
    );
    const ask = "/token?service=registry.test&scope=repository:acme/app:pull";
    expect((await at(registry, ask)).status).toBe(401);
    const { token } = (await (await at(registry, ask, { headers: { authorization: basic } })).json()) as {
      token: string;
    };
    const headers = { authorization: `Bearer ${token}` };
    expect((await at(registry, "/v2/acme/app/manifests/v1", { headers })).status).toBe(200);
    expect((await at(registry, "/v2/acme/other/manifests/v1", { headers })).status).toBe(401);
  });
});

test("bearer: a token to pull does not push", async () => {
  const registry = createRegistry({ auth: { kind: "bearer" } });
  const push = async (actions: string): Promise<number> => {
    const asked = await at(registry, `/token?scope=repository:acme/app:${actions}`);
    const { token } = (await asked.json()) as { token: string };
    const init = {
      method: "PUT",
      body: JSON.stringify(MANIFEST),
      headers: { authorization: `Bearer ${token}` },
    };
    return (await at(registry, "/v2/acme/app/manifests/v1", init)).status;
  };
  expect([await push("pull"), await push("pull,push"), await push("*")]).toEqual([401, 201, 201]);
});

describe("faults", () => {
  const path = "/v2/acme/app/manifests/v1";
  const withImage = (): Registry => {
    const registry = createRegistry();
    registry.pushManifest("acme/app", MANIFEST, { tag: "v1" });
    return registry;
  };

  test("a status instead of the answer, for so many requests, until mended", async () => {
    const registry = withImage();
    const mend = registry.inject({
      path: "/manifests/",
      after: 1,
      times: 2,
      effect: { kind: "status", status: 500 },
    });
    const statuses = async (): Promise<number> => (await at(registry, path)).status;
    expect([await statuses(), await statuses(), await statuses(), await statuses()]).toEqual([
      200, 500, 500, 200,
    ]);
    mend();
    registry.inject({
      method: "HEAD",
      effect: { kind: "status", status: 429, headers: { "retry-after": "1" } },
    });
    expect(await statuses()).toBe(200);
    const limited = await at(registry, path, { method: "HEAD" });
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "1"]);
  });

  test("other bytes, fewer bytes, other headers", async () => {
    const registry = withImage();
    const mend = registry.inject({ path: /v1$/, effect: { kind: "replace", body: "evil" } });
    expect(await (await at(registry, path)).text()).toBe("evil");
    mend();
    const whole = registry.inject({ effect: { kind: "truncate", bytes: 3 } });
    const short = await at(registry, path);
    expect(short.headers.get("content-length")).toBe("88");
    const reader = short.body?.getReader();
    expect((await reader?.read())?.value).toHaveLength(3);
    await expect(reader?.read()).rejects.toThrow("terminated");
    for (const { get } of await over(registry))
      await expect(get(registry, path).then((answer) => answer.text())).rejects.toThrow("terminated");
    whole();
    registry.inject({
      effect: { kind: "headers", headers: { "docker-content-digest": "sha256:lie", "content-type": "" } },
    });
    const lying = await at(registry, path);
    expect(lying.headers.get("docker-content-digest")).toBe("sha256:lie");
    expect(lying.headers.get("content-type")).toBe(null);
  });

  test("a pattern that remembers hits every request all the same", async () => {
    const registry = withImage();
    registry.inject({ path: /manifests/g, effect: { kind: "status", status: 500 } });
    const statuses = [await at(registry, path), await at(registry, path), await at(registry, path)];
    expect(statuses.map(({ status }) => status)).toEqual([500, 500, 500]);
  });

  test("an endless body ends only when the reader gives up", async () => {
    const registry = withImage();
    registry.inject({ effect: { kind: "endless" } });
    const reader = (await at(registry, path)).body?.getReader();
    let seen = 0;
    while (seen < 1_000_000) seen += (await reader?.read())?.value?.length ?? Number.NaN;
    await reader?.cancel();
    expect(seen).toBeGreaterThanOrEqual(1_000_000);
  });

  test("no answer at all: the caller's signal ends the wait", async () => {
    const registry = withImage();
    registry.inject({ effect: { kind: "hang" } });
    const controller = new AbortController();
    const answer = at(registry, path, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(answer).rejects.toThrow("enough");
  });

  test("no connection: fetch fails as Node's does, the server hangs up", async () => {
    const registry = withImage();
    registry.inject({ effect: { kind: "disconnect" } });
    for (const { get } of await over(registry)) await expect(get(registry, path)).rejects.toThrow(TypeError);
    await expect(at(registry, path)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });

  test("a delay comes before the right answer, and anything else can be written by hand", async () => {
    const registry = withImage();
    const mend = registry.inject({ effect: { kind: "delay", ms: 1 } });
    expect((await at(registry, path)).status).toBe(200);
    mend();
    registry.inject({
      effect: {
        kind: "answer",
        answer: async (_, next) => new Response((await next()).body, { status: 203 }),
      },
    });
    expect((await at(registry, path)).status).toBe(203);
  });
});

describe("one fetch for several hosts", () => {
  test("each host has its registry, an unknown one cannot be reached", async () => {
    const one = createRegistry({ host: "127.0.0.1:5001" });
    const two = createRegistry({ host: "127.0.0.1:5002" });
    two.pushManifest("acme/app", MANIFEST, { tag: "v1" });
    const fetch = hostFetch({ [one.host]: one.handle, [two.host]: two.handle });
    expect((await fetch("http://127.0.0.1:5001/v2/acme/app/manifests/v1")).status).toBe(404);
    expect((await fetch("http://127.0.0.1:5002/v2/acme/app/manifests/v1")).status).toBe(200);
    await expect(fetch("http://127.0.0.1:5003/v2/")).rejects.toMatchObject({ cause: { code: "ENOTFOUND" } });
    await expect(fetch("http://constructor/v2/")).rejects.toMatchObject({ cause: { code: "ENOTFOUND" } });
  });

  test("redirects by mode: followed without credentials to another origin, handed out, refused", async () => {
    const one = createRegistry({ host: "one.test" });
    const two = createRegistry({ host: "two.test" });
    const location = "https://two.test/v2/";
    one.inject({ effect: { kind: "status", status: 307, headers: { location } } });
    const fetch = hostFetch({ [one.host]: one.handle, [two.host]: two.handle });
    const headers = { authorization: "Bearer x" };
    const followed = await fetch("https://one.test/v2/", { headers });
    expect([followed.status, followed.url]).toEqual([200, location]);
    expect(two.requests[0]?.headers).not.toHaveProperty("authorization");
    expect((await fetch("https://one.test/v2/", { redirect: "manual" })).headers.get("location")).toBe(
      location,
    );
    await expect(fetch("https://one.test/v2/", { redirect: "error" })).rejects.toThrow(TypeError);
    two.inject({ effect: { kind: "status", status: 302, headers: { location: "https://one.test/v2/" } } });
    await expect(fetch("https://one.test/v2/")).rejects.toThrow(TypeError);
  });

  test("what says that it is gzip is decoded, asked for or not, as Node's fetch does", async () => {
    const registry = createRegistry();
    const body = new Uint8Array(gzipSync("plain".repeat(1000)));
    registry.inject({
      effect: {
        kind: "answer",
        answer: async () => new Response(body, { headers: { "content-encoding": "gzip" } }),
      },
    });
    for (const { get } of await over(registry)) {
      const answer = await get(registry, "/v2/", { headers: { "accept-encoding": "identity" } });
      expect(await answer.text()).toBe("plain".repeat(1000));
    }
  });
});

test("a host is no address", () => {
  expect(() => createRegistry({ host: "https://registry.example.com" })).toThrow("leave out scheme and path");
});
