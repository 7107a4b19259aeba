import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContextSource } from "@assay/engine";
import { parseDigest, parseImageReference } from "@assay/image";
import { contextFromObjects } from "@assay/sources/cluster";
import { dockerConfigCredentials, givenCredentials, pullSecretCredentials } from "@assay/sources/credentials";
import { type CredentialProvider, type RegistryOptions, registrySource } from "@assay/sources/registry";
import { createRegistry, type Handler, hostFetch } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { ask, digestAt, fixtureRegistry, summary } from "./fixtures.ts";

const login = { username: "robot", password: "s3cret" };
const robot = { kind: "basic", ...login } as const;
const encoded = Buffer.from(`${login.username}:${login.password}`).toString("base64");

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-auth-"));
  const helper = `#!/bin/sh
read -r server
if [ "$1" != get ]; then exit 2; fi
case "$server" in
  helped.example) echo '{"ServerURL":"helped.example","Username":"robot","Secret":"s3cret"}';;
  token.example) echo '{"ServerURL":"token.example","Username":"<token>","Secret":"refresh-me"}';;
  broken.example) echo 'no keyring here' >&2; exit 1;;
  *) echo 'credentials not found in native keychain'; exit 1;;
esac
`;
  await writeFile(join(directory, "docker-credential-test"), helper);
  await chmod(join(directory, "docker-credential-test"), 0o755);
});
afterAll(() => rm(directory, { recursive: true }));

/** A registry `host` in memory with one image, `app:v1`. */
function privateRegistry(host: string, options: Parameters<typeof createRegistry>[0] = {}) {
  const registry = createRegistry({ host, ...options });
  const config = registry.pushBlob("team/app", "{}");
  registry.pushManifest("team/app", { schemaVersion: 2, config, layers: [] }, { tag: "v1" });
  return registry;
}

async function resolveTag(host: string, options: RegistryOptions, access = {}) {
  const source = registrySource({ resolve: async () => ["93.184.216.34"], ...options });
  const image = parseImageReference(`${host}/team/app:v1`);
  const wanted = { allowInsecureRegistry: false, providers: [], pullSecrets: [], ...access };
  return ask<"digest">(source, { kind: "digest", image, access: wanted });
}

async function configFile(content: object): Promise<CredentialProvider> {
  const path = join(directory, `config-${Math.abs(JSON.stringify(content).length)}.json`);
  await writeFile(path, JSON.stringify(content));
  return dockerConfigCredentials({ path, env: { PATH: `${directory}:${process.env["PATH"]}` } });
}

const secret = (entries: object, name = "pull") => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "shop", name },
  type: "kubernetes.io/dockerconfigjson",
  stringData: { ".dockerconfigjson": JSON.stringify({ auths: entries }) },
});

describe("credentials are found", () => {
  test.each([
    ["in `auths` by host", "r.example", { auths: { "r.example": { auth: encoded } } }],
    ["in `auths` by address", "r.example", { auths: { "https://r.example/v2/": login } }],
    [
      "in `auths` by path, the longest first",
      "r.example",
      { auths: { "r.example": { username: "x", password: "y" }, "r.example/team": login } },
    ],
    ["in `auths` by a pattern for one label", "r.example", { auths: { "*.example": login } }],
    ["by a helper for the host", "helped.example", { credHelpers: { "helped.example": "test" } }],
    ["by the store", "helped.example", { credsStore: "test" }],
    [
      "in `auths` where the store has none",
      "r.example",
      { credsStore: "test", auths: { "r.example": login } },
    ],
  ])("%s", async (_, host, config) => {
    const registry = privateRegistry(host, { auth: { kind: "basic", ...login } });
    const answer = await resolveTag(host, { fetch: registry.fetch, credentials: [await configFile(config)] });
    expect(summary(answer)).toBe("digest");
    expect(answer.notes?.join()).toContain(`credentials for \`${host}\` from `);
  });

  test("in the pull secret that the Pod names, after other sources said why they have none", async () => {
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    const context = contextFromObjects([secret({ "r.example": login })]);
    const credentials = [await configFile({}), pullSecretCredentials(context)];
    const pullSecrets = [
      { namespace: "shop", name: "gone" },
      { namespace: "shop", name: "pull" },
    ];
    const answer = await resolveTag("r.example", { fetch: registry.fetch, credentials }, { pullSecrets });
    expect(summary(answer)).toBe("digest");
    expect(answer.notes).toEqual([
      expect.stringMatching(/^docker config: `.*` has no login for `r.example`$/),
      "credentials for `r.example` from pull secret `shop/pull`",
    ]);
  });

  test("in the pull secret whose login is meant most closely, whatever it is called", async () => {
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    const wide = { "r.example": { username: "others", password: "x" } };
    const context = contextFromObjects([secret(wide, "a"), secret({ "r.example/team": login }, "b")]);
    const pullSecrets = ["a", "b"].map((name) => ({ namespace: "shop", name }));
    const credentials = [pullSecretCredentials(context)];
    const answer = await resolveTag("r.example", { fetch: registry.fetch, credentials }, { pullSecrets });
    expect(answer).toMatchObject({
      ok: true,
      notes: ["credentials for `r.example` from pull secret `shop/b`"],
    });
  });

  test("in a pull secret that was made since, five seconds later", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const clock = { now: () => Date.now(), random: () => 0, sleep: async () => undefined };
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    let objects = contextFromObjects([]);
    const context: ContextSource = { fetch: (lookup, options) => objects.fetch(lookup, options) };
    const credentials = [pullSecretCredentials(context)];
    const source = registrySource({ fetch: registry.fetch, clock, credentials });
    const image = parseImageReference("r.example/team/app:v1");
    const pullSecrets = [{ namespace: "shop", name: "pull" }];
    const access = { allowInsecureRegistry: false, providers: [], pullSecrets };
    const answered = async () => summary(await ask<"digest">(source, { kind: "digest", image, access }));
    expect(await answered()).toBe("unauthorized");
    objects = contextFromObjects([secret({ "r.example": login })]);
    vi.advanceTimersByTime(5001);
    expect(await answered()).toBe("digest");
  });

  test("once, for lookups that are refused together", async () => {
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    const secrets = contextFromObjects([secret({ "r.example": login })]);
    let reads = 0;
    const context: ContextSource = {
      fetch: async (lookup, options) => {
        reads++;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return secrets.fetch(lookup, options);
      },
    };
    const source = registrySource({ fetch: registry.fetch, credentials: [pullSecretCredentials(context)] });
    const pullSecrets = [{ namespace: "shop", name: "pull" }];
    const access = { allowInsecureRegistry: false, providers: [], pullSecrets };
    const about = {
      repository: "r.example/team/app",
      digest: parseDigest(`sha256:${"0".repeat(64)}`),
      access,
    };
    const kinds = ["signatureTag", "attestationTag", "referrers"] as const;
    const answers = await Promise.all(kinds.map((kind) => ask(source, { kind, ...about })));
    expect(answers.map(summary)).toEqual(["nothing", "nothing", "nothing"]);
    expect(reads).toBe(1);
  });

  test("in 32 pull secrets and no more, however many a Pod names", async () => {
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    let reads = 0;
    const nothing = contextFromObjects([]);
    const context: ContextSource = {
      fetch: (lookup, options) => {
        reads++;
        return nothing.fetch(lookup, options);
      },
    };
    const pullSecrets = Array.from({ length: 1000 }, (_, i) => ({ namespace: "shop", name: `s${i}` }));
    const answer = await resolveTag(
      "r.example",
      { fetch: registry.fetch, credentials: [pullSecretCredentials(context)] },
      { pullSecrets },
    );
    expect(summary(answer)).toBe("unauthorized");
    expect(reads).toBe(32);
    expect(answer.notes?.join()).toContain("968 more were not read");
  });

  test.each([
    ["a.azurecr.io.evil", { "a.azurecr.io": login }],
    ["a.azurecr.io.evil", { "*.azurecr.io": login }],
    ["a.azurecr.io.evil", { "*.azurecr.*": login }],
    ["evil.a.azurecr.io", { "*.azurecr.io": login }],
    ["nota.azurecr.io", { "a.azurecr.io": login }],
    ["r.example:5000", { "r.example": login }],
    ["r.example", { "r.example:5000": login }],
    ["r.example", { "r.example/other": login }],
    ["r.example", { "r.example/tea": login }],
    ["r.example", { "r.example/team/app/sub": login }],
    ["r.example", { "": login, "*": login }],
  ])("19 not for %s in %j", async (host, auths) => {
    const registry = privateRegistry(host, { auth: { kind: "basic", ...login } });
    const answer = await resolveTag(host, {
      fetch: registry.fetch,
      credentials: [await configFile({ auths })],
    });
    expect(summary(answer)).toBe("unauthorized");
    expect(registry.requests.filter(({ headers }) => headers["authorization"] !== undefined)).toEqual([]);
  });

  test("only by the providers that the policy lists", async () => {
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    const credentials = [await configFile({ auths: { "r.example": login } })];
    const answer = await resolveTag(
      "r.example",
      { fetch: registry.fetch, credentials },
      { providers: ["amazon"] },
    );
    expect(summary(answer)).toBe("unauthorized");
    expect(answer.notes).toContain("docker config: not among the policy's providers");
  });
});

describe("a refusal tells what was tried", () => {
  test.each([
    ["nothing is configured", [], /asked anonymously/],
    ["the file has other logins", [{ auths: { "other.example": login } }], /has no login for `r.example`/],
    [
      "the password is wrong",
      [{ auths: { "r.example": { username: "robot", password: "old" } } }],
      /credentials for `r.example` from `.*config/,
    ],
    [
      "the helper is not installed",
      [{ credsStore: "nowhere" }],
      /`docker-credential-nowhere`: it is not on the PATH/,
    ],
    ["the helper's name is a path", [{ credsStore: "../../bin/sh" }], /no name of a credential helper/],
  ])("%s", async (_, configs, words) => {
    const registry = privateRegistry("r.example", { auth: { kind: "basic", ...login } });
    const credentials = await Promise.all(configs.map(configFile));
    const answer = await resolveTag("r.example", { fetch: registry.fetch, credentials });
    expect(answer).toMatchObject({
      ok: false,
      failure: { code: "unauthorized", status: 401, message: expect.stringMatching(words) },
    });
  });

  test("a helper that fails leaves its words", async () => {
    const registry = privateRegistry("broken.example", { auth: { kind: "basic", ...login } });
    const credentials = [await configFile({ credHelpers: { "broken.example": "test" } })];
    const answer = await resolveTag("broken.example", { fetch: registry.fetch, credentials });
    expect(answer).toMatchObject({
      failure: { message: expect.stringContaining("it ended with 1: no keyring here") },
    });
  });
});

describe("bearer tokens", () => {
  test("one token serves all requests to a repository, an anonymous one needs no credentials", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example", auth: { kind: "bearer" } });
    const source = registrySource({ fetch: registry.fetch });
    const digest = await digestAt(source, "r.example/acme/key-att3:v1");
    const lookup = { repository: "r.example/acme/key-att3", digest };
    const kinds = ["signatureTag", "attestationTag", "referrers"] as const;
    await Promise.all(kinds.map((kind) => ask(source, { kind, ...lookup })));
    const paths = registry.requests.map(({ path, status }) => `${path.split("?")[0]} ${status}`);
    expect(paths.filter((path) => path.startsWith("/token"))).toEqual(["/token 200"]);
    expect(paths.filter((path) => path.endsWith("401"))).toHaveLength(1);
    expect(paths).toHaveLength(2 + 1 + 7);
  });

  test("a token is asked for once by requests that start together", async () => {
    const registry = await fixtureRegistry("referrers", {
      host: "r.example",
      auth: { kind: "bearer", ...login },
    });
    const source = registrySource({
      fetch: registry.fetch,
      credentials: [givenCredentials({ "r.example": robot })],
    });
    const tags = ["v1", "v2", "v3"].map((tag) => parseImageReference(`r.example/acme/key-ecdsa:${tag}`));
    await Promise.all(tags.map((image) => ask<"digest">(source, { kind: "digest", image })));
    expect(registry.requests.filter(({ path }) => path.startsWith("/token"))).toHaveLength(1);
  });

  test("an expired token is renewed once and the request repeated", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example", auth: { kind: "bearer" } });
    const source = registrySource({ fetch: registry.fetch });
    await digestAt(source, "r.example/acme/key-ecdsa:v1");
    registry.inject({
      path: "/manifests/",
      times: 1,
      effect: {
        kind: "status",
        status: 401,
        headers: { "www-authenticate": 'Bearer realm="https://r.example/token"' },
      },
    });
    expect(await digestAt(source, "r.example/acme/key-ecdsa:v1")).toMatch(/^sha256:/);
  });

  test("an identity token is traded for an access token by POST", async () => {
    const posted: string[] = [];
    const registry = privateRegistry("token.example", {
      auth: { kind: "bearer", realm: "https://token.example/oauth" },
    });
    const oauth: Handler = async (request) => {
      if (!request.url.endsWith("/oauth")) return registry.handle(request);
      posted.push(await request.text());
      const scope = new URLSearchParams(posted[0]).get("scope") ?? "";
      return registry.handle(new Request(`https://token.example/token?scope=${scope}`));
    };
    const answer = await resolveTag("token.example", {
      fetch: hostFetch({ "token.example": oauth }),
      credentials: [await configFile({ credHelpers: { "token.example": "test" } })],
    });
    expect(summary(answer)).toBe("digest");
    expect(posted).toEqual([
      expect.stringContaining(
        "grant_type=refresh_token&refresh_token=refresh-me&scope=repository%3Ateam%2Fapp%3Apull",
      ),
    ]);
  });

  const token =
    (body: string, headers = {}): Handler =>
    async () =>
      new Response(body, { headers });
  test.each([
    [
      "with a line break would write headers",
      token(JSON.stringify({ token: "a\r\nx-admin: yes" })),
      "unauthorized",
    ],
    ["that is missing", token("{}"), "unavailable"],
    ["that is no JSON", token("<html>"), "unavailable"],
    ["over a mebibyte", token(JSON.stringify({ token: "a".repeat(1_100_000) })), "unavailable"],
    ["answer of 500", async () => new Response("", { status: 500 }), "unavailable"],
    ["answer of 429", async () => new Response("", { status: 429 }), "rateLimited"],
    ["answer of 401", async () => new Response("", { status: 401 }), "unauthorized"],
    ["redirect to http", async () => Response.redirect("http://r.example/token", 302), "unavailable"],
  ] as const)("18 a token %s: refused", async (_, realm, outcome) => {
    const registry = privateRegistry("r.example", {
      auth: { kind: "bearer", realm: "https://t.r.example/token" },
    });
    const fetch = hostFetch({ "r.example": registry.handle, "t.r.example": realm });
    const answer = await resolveTag("r.example", { fetch, retry: { attempts: 1 } });
    expect(summary(answer)).toBe(outcome);
  });
});

describe("where credentials go", () => {
  // registry, realm, addresses of the realm's host, outcome
  test.each([
    ["r.example", "https://r.example/token", "1.1.1.1", "digest"],
    ["r.example", "https://r.example:8443/token", "1.1.1.1", "digest"],
    ["r.example", "https://r.example:8443/token", "10.1.2.3", "digest"],
    ["10.1.2.3:5050", "https://10.1.2.3/token", "10.1.2.3", "digest"],
    ["10.1.2.3:5050", "https://10.1.2.4/token", "10.1.2.4", "unauthorized"],
    ["registry.r.example", "https://r.example/token", "1.1.1.1", "digest"],
    ["r.example", "https://auth.r.example/token", "1.1.1.1", "digest"],
    ["r.example", "https://evil.example/token", "1.1.1.1", "unauthorized"],
    ["a.azurecr.io", "https://a.azurecr.io.evil/token", "1.1.1.1", "unauthorized"],
    ["a.azurecr.io", "https://notazurecr.io/token", "1.1.1.1", "unauthorized"],
    ["notr.example", "https://r.example/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://notr.example/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://example/token", "1.1.1.1", "unauthorized"],
    ["listed.example", "https://sso.corp.example/token", "1.1.1.1", "digest"],
    ["r.example", "http://r.example/token", "1.1.1.1", "unauthorized"],
    ["r.example", "http://169.254.169.254/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://169.254.169.254/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://[::ffff:127.0.0.1]/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://0x7f.1/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://localhost/token", "1.1.1.1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "10.1.2.3", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "2606:4700::6810:1", "digest"],
    ["r.example", "https://auth.r.example/token", "fd00::1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "fec0::1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "::ffff:10.0.0.1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "::10.0.0.1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "::ffff:0:10.0.0.1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "64:ff9b::10.0.0.1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "64:ff9b:1::10.0.0.1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "2002:a00:1::1", "unauthorized"],
    ["r.example", "https://auth.r.example/token", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "unauthorized"],
    ["r.example", "https://user:pw@r.example/token", "1.1.1.1", "unauthorized"],
    ["r.example", "ftp://r.example/token", "1.1.1.1", "unauthorized"],
    ["r.example", "token", "1.1.1.1", "unauthorized"],
  ])("14 15 17 19 the registry %s names the realm %s (at %s): %s", async (host, realm, address, outcome) => {
    const registry = privateRegistry(host, { auth: { kind: "bearer", ...login, realm } });
    const asked: string[] = [];
    const everyHost = new Proxy<Record<string, Handler>>(
      {},
      {
        getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: registry.handle }),
        get: (_, name) => (request: Request) => {
          asked.push(String(name));
          return registry.handle(request);
        },
      },
    );
    const answer = await resolveTag(host, {
      fetch: hostFetch(everyHost),
      resolve: async () => [address],
      credentials: [givenCredentials({ [host]: robot })],
      tokenHosts: { "listed.example": ["sso.corp.example"] },
    });
    expect(summary(answer)).toBe(outcome);
    if (outcome !== "digest") expect(new Set(asked)).toEqual(new Set([host]));
  });

  // Names that cannot be resolved here: the address or the name alone must be enough.
  test.each([
    "https://169.254.169.254/token",
    "https://[fe80::1]/token",
    "https://10.0.0.1/token",
    "https://metadata.google.internal/token",
    "https://localhost/token",
    "https://vault/token",
    "https://db.prod.svc.cluster.local/token",
  ])("14 a realm inside our network is not asked, not even without credentials: %s", async (realm) => {
    const registry = privateRegistry("r.example", { auth: { kind: "bearer", realm } });
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      asked.push(new URL(String(url)).host);
      return registry.fetch(url, init);
    };
    const answer = await resolveTag("r.example", { fetch, resolve: async () => [] });
    expect(summary(answer)).toBe("unauthorized");
    expect(new Set(asked)).toEqual(new Set(["r.example"]));
  });

  test("16 a blob on another host is fetched without them", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example", auth: { kind: "basic", ...login } });
    const seen: (string | null)[] = [];
    const storage: Handler = async (request) => {
      seen.push(request.headers.get("authorization"));
      const digest = new URL(request.url).pathname.split("/").at(-1) ?? "";
      return new Response(Buffer.from(registry.blob("acme/key-ecdsa", digest) ?? []));
    };
    const headers = (request: Request) => ({ location: request.url.replace("r.example", "cdn.example") });
    registry.inject({
      path: "/blobs/",
      effect: {
        kind: "answer",
        answer: async (request) => new Response(null, { status: 307, headers: headers(request) }),
      },
    });
    const source = registrySource({
      fetch: hostFetch({ "r.example": registry.handle, "cdn.example": storage }),
      resolve: async () => ["93.184.216.34"],
      credentials: [givenCredentials({ "r.example": robot })],
    });
    const digest = await digestAt(source, "r.example/acme/key-ecdsa:v1");
    const lookup = { kind: "signatureTag", repository: "r.example/acme/key-ecdsa", digest } as const;
    expect(summary(await ask<"signatureTag">(source, lookup))).toBe("legacy");
    expect(seen).toEqual([null]);
    const blobs = registry.requests.filter(({ path }) => path.includes("/blobs/"));
    expect(blobs.map((request) => request.headers["authorization"])).toEqual([`Basic ${encoded}`]);
  });

  test("plain http that only a policy allowed gets none", async () => {
    const seen: string[] = [];
    const registry = privateRegistry("plain.example", { auth: { kind: "basic", ...login } });
    const handler: Handler = async (request) => {
      seen.push(`${new URL(request.url).protocol} ${request.headers.get("authorization")}`);
      if (request.url.startsWith("https"))
        throw Object.assign(new TypeError("fetch failed"), { cause: new Error("refused") });
      return registry.handle(request);
    };
    const options = {
      fetch: hostFetch({ "plain.example": handler }),
      credentials: [givenCredentials({ "plain.example": robot })],
      retry: { attempts: 1 },
    };
    const answer = await resolveTag("plain.example", options, { allowInsecureRegistry: true });
    expect(summary(answer)).toBe("unauthorized");
    expect(seen).toEqual(["https: null", "http: null"]);
    const allowed = await resolveTag("plain.example", { ...options, insecureHosts: ["plain.example"] });
    expect(summary(allowed)).toBe("digest");
    const refused = await resolveTag("plain.example", options);
    expect(summary(refused)).toBe("unavailable");
  });

  test("who answers by plain http in a registry's place does not get its password when others ask by https", async () => {
    const seen: string[] = [];
    const registry = privateRegistry("plain.example", { auth: { kind: "basic", ...login } });
    let isHttpsBlocked = true;
    const handler: Handler = async (request) => {
      const { protocol, pathname } = new URL(request.url);
      seen.push(`${protocol} ${pathname.split("/")[1]} ${request.headers.get("authorization")}`);
      if (protocol === "https:") {
        if (!isHttpsBlocked) return registry.handle(request);
        throw Object.assign(new TypeError("fetch failed"), { cause: new Error("refused") });
      }
      const challenge = 'Bearer realm="http://plain.example/token",service="plain.example"';
      return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    };
    const source = registrySource({
      fetch: hostFetch({ "plain.example": handler }),
      credentials: [givenCredentials({ "plain.example": robot })],
      retry: { attempts: 1 },
    });
    const insecure = { allowInsecureRegistry: true, providers: [], pullSecrets: [] };
    const image = parseImageReference("plain.example/team/app:v1");
    expect(summary(await ask(source, { kind: "digest", image, access: insecure }))).toBe("unauthorized");
    isHttpsBlocked = false;
    const trusted = await ask(source, { kind: "digest", image });
    expect(seen.filter((one) => one.startsWith("http: ") && one.includes("Basic"))).toEqual([]);
    expect(summary(trusted)).toBe("digest");
  });
});
