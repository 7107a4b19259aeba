import { parseImageReference } from "@assay/image";
import { givenCredentials } from "@assay/sources/credentials";
import {
  type Credential,
  type CredentialProvider,
  type RegistryOptions,
  registrySource,
} from "@assay/sources/registry";
import { describe, expect, test } from "vitest";
import { ask, summary } from "./fixtures.ts";

const login = { kind: "basic", username: "robot", password: "s3cret" } as const;
const basic = `Basic ${Buffer.from("robot:s3cret").toString("base64")}`;
const manifest = JSON.stringify({
  schemaVersion: 2,
  config: {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: `sha256:${"0".repeat(64)}`,
    size: 2,
  },
  layers: [],
});

interface World {
  readonly host?: string;
  /** What a request without the right authorization is answered with. */
  readonly challenge: string;
  /** What the token server answers with. */
  readonly token?: object;
  readonly credential?: Credential;
  readonly options?: RegistryOptions;
  /** What the policy lists. */
  readonly providers?: readonly string[];
}

/** Asks for an image so many times, one after the other; what was sent, and what came out. */
async function asked(world: World, times = 1) {
  const {
    host = "r.example",
    challenge,
    token = { token: "t" },
    credential,
    options,
    providers = [],
  } = world;
  const sent: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { href, pathname } = new URL(String(input));
    const { authorization = "nobody" } = (init?.headers ?? {}) as Record<string, string>;
    sent.push(`${href} as ${authorization}${init?.body ? ` with ${init.body}` : ""}`);
    if (pathname === "/token") return Response.json(token);
    const isKnown =
      authorization.startsWith("Bearer") || (authorization === basic && /^basic/i.test(challenge));
    return isKnown
      ? new Response(manifest, { headers: { "content-type": "application/vnd.oci.image.manifest.v1+json" } })
      : new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  const source = registrySource({
    fetch,
    resolve: async () => ["1.1.1.1"],
    retry: { attempts: 1 },
    ...(credential === undefined ? {} : { credentials: [givenCredentials({ [host]: credential })] }),
    ...options,
  });
  const image = parseImageReference(`${host}/team/app:v1`);
  const access = { allowInsecureRegistry: false, providers, pullSecrets: [] };
  const outcomes: string[] = [];
  for (let i = 0; i < times; i++)
    outcomes.push(summary(await ask(source, { kind: "digest", image, access })));
  return { outcomes, sent, tokens: sent.filter((one) => one.includes("/token")) };
}

const bearer = (realm: string, more = "") => `Bearer realm="${realm}"${more}`;
const scope = "scope=repository%3Ateam%2Fapp%3Apull";

describe("a token server is asked", () => {
  test.each<[string, World, string]>([
    [
      "for the service that the registry names",
      { challenge: bearer("https://r.example/token", ',service="the registry"') },
      `https://r.example/token?service=the+registry&${scope} as nobody`,
    ],
    [
      "for none where it names none, by whom we are",
      { challenge: bearer("https://r.example/token"), credential: login },
      `https://r.example/token?${scope} as ${basic}`,
    ],
    [
      "by an identity token in a form, for the service, too",
      {
        challenge: bearer("https://r.example/token", ',service="s"'),
        credential: { kind: "identityToken", token: "refresh" },
      },
      `https://r.example/token as nobody with grant_type=refresh_token&refresh_token=refresh&${scope}&client_id=assay&service=s`,
    ],
    [
      "by an identity token in a form, for none",
      {
        challenge: bearer("https://r.example/token"),
        credential: { kind: "identityToken", token: "refresh" },
      },
      `https://r.example/token as nobody with grant_type=refresh_token&refresh_token=refresh&${scope}&client_id=assay`,
    ],
    [
      "inside our network, where that host was allowed",
      {
        challenge: bearer("https://auth.lan/token"),
        options: { allowPrivateHosts: ["auth.lan"], resolve: async () => ["10.0.0.1"] },
      },
      `https://auth.lan/token?${scope} as nobody`,
    ],
    [
      "inside our network by plain http, where that host was allowed",
      {
        challenge: bearer("http://auth.lan/token"),
        options: {
          insecureHosts: ["r.example"],
          allowPrivateHosts: ["auth.lan"],
          resolve: async () => ["10.0.0.1"],
        },
      },
      `http://auth.lan/token?${scope} as nobody`,
    ],
    [
      "inside our network, where it may be asked by plain http, too",
      {
        challenge: bearer("http://10.0.0.1:8080/token"),
        options: { insecureHosts: ["r.example", "10.0.0.1:8080"] },
      },
      `http://10.0.0.1:8080/token?${scope} as nobody`,
    ],
    [
      "at the first realm of two",
      { challenge: bearer("https://r.example/token", ',realm="https://r.example/other"') },
      `https://r.example/token?${scope} as nobody`,
    ],
    [
      "of Docker Hub, which is elsewhere",
      { host: "docker.io", challenge: bearer("https://auth.docker.io/token"), credential: login },
      `https://auth.docker.io/token?${scope} as ${basic}`,
    ],
    [
      "by plain http of the registry itself, where that was allowed",
      {
        challenge: bearer("http://r.example/token"),
        credential: login,
        options: { insecureHosts: ["r.example"] },
      },
      `http://r.example/token?${scope} as ${basic}`,
    ],
    [
      "by plain http of another host where both were allowed, and that it gets credentials",
      {
        challenge: bearer("http://auth.r.example/token"),
        credential: login,
        options: {
          insecureHosts: ["r.example", "auth.r.example"],
          tokenHosts: { "r.example": ["auth.r.example"] },
        },
      },
      `http://auth.r.example/token?${scope} as ${basic}`,
    ],
  ])("%s", async (_name, world, wanted) => {
    const { outcomes, tokens } = await asked(world);
    expect(tokens).toEqual([wanted]);
    expect(outcomes).toEqual(["digest"]);
  });

  test.each<[string, World]>([
    [
      "of another registry by Docker Hub's name",
      { challenge: bearer("https://auth.docker.io/token"), credential: login },
    ],
    [
      "whose name only begins as Docker Hub's",
      {
        host: "docker.io",
        challenge: bearer("https://auth.docker.io.evil.example/token"),
        credential: login,
      },
    ],
    [
      "by plain http of the parent domain, though it may be asked so",
      {
        host: "registry.r.example",
        challenge: bearer("http://r.example/token"),
        credential: login,
        options: { insecureHosts: ["registry.r.example", "r.example"] },
      },
    ],
    [
      "one of whose addresses is private",
      {
        challenge: bearer("https://auth.r.example/token"),
        options: { resolve: async () => ["1.1.1.1", "10.0.0.1"] },
      },
    ],
    [
      "by https inside our network, where only plain http was allowed",
      { challenge: bearer("https://10.0.0.1/token"), options: { insecureHosts: ["10.0.0.1"] } },
    ],
    [
      "on another port of this machine",
      { host: "127.0.0.1:5000", challenge: bearer("http://127.0.0.1:5001/token") },
    ],
    [
      "whose name is the registry's last label, with our password",
      {
        challenge: bearer("https://example/token"),
        credential: login,
        options: { allowPrivateHosts: ["example"] },
      },
    ],
    ["where the registry wants what we do not know", { challenge: "Negotiate", credential: login }],
    ["whose address names a user", { challenge: bearer("https://user@r.example/token") }],
    ["whose address has a password", { challenge: bearer("https://:secret@r.example/token") }],
    [
      "by plain http of another host, which was not allowed",
      { challenge: bearer("http://auth.r.example/token"), options: { insecureHosts: ["r.example"] } },
    ],
    ["that a header over 8 KiB names", { challenge: bearer(`https://r.example/token?${"x".repeat(8192)}`) }],
  ])("never, %s", async (_name, world) => {
    const { outcomes, tokens, sent } = await asked(world);
    expect(tokens).toEqual([]);
    expect(sent.filter((one) => one.includes(basic))).toEqual([]);
    expect(outcomes).toEqual(["unauthorized"]);
  });

  test.each([
    [{ token: "t" }, 1],
    [{ access_token: "t" }, 1],
    [{ token: "t", expires_in: 300 }, 1],
    [{ token: "t", expires_in: 11 }, 1],
    [{ token: "t", expires_in: 10 }, 3],
    [{ token: "t", expires_in: -1 }, 3],
    [{ token: "t", expires_in: "soon" }, 3],
  ])("by three requests that are answered with %j: %i times", async (token, times) => {
    const { outcomes, tokens } = await asked({ challenge: bearer("https://r.example/token"), token }, 3);
    expect(tokens).toHaveLength(times);
    expect(outcomes).toEqual(["digest", "digest", "digest"]);
  });

  test("and an empty token is none", async () => {
    const { outcomes } = await asked({ challenge: bearer("https://r.example/token"), token: { token: "" } });
    expect(outcomes).toEqual(["unavailable"]);
  });
});

describe("a token that was given", () => {
  /** What each asker's token is, and whether the registry takes it. */
  async function asking(credentials: CredentialProvider[]) {
    const [given, revoked] = [new Map<string, number>(), new Set<string>()];
    const challenge = bearer("https://r.example/token");
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { authorization = "nobody" } = (init?.headers ?? {}) as Record<string, string>;
      if (new URL(String(input)).pathname === "/token") {
        given.set(authorization, (given.get(authorization) ?? 0) + 1);
        const who = Buffer.from(authorization.slice(6), "base64").toString().split(":")[0] || "nobody";
        return Response.json({ token: `${who}-${given.get(authorization)}` });
      }
      if (authorization.startsWith("Bearer ") && !revoked.has(authorization.slice(7)))
        return new Response(manifest, { headers: { "x-for": authorization } });
      return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    };
    const taken: string[] = [];
    const telling: typeof globalThis.fetch = async (input, init) => {
      const answer = await fetch(input, init);
      const token = answer.headers.get("x-for");
      if (token !== null) taken.push(token);
      return answer;
    };
    const source = registrySource({ fetch: telling, credentials, resolve: async () => ["1.1.1.1"] });
    const image = parseImageReference("r.example/team/app:v1");
    const ask = (name?: string) => {
      const pullSecrets = name === undefined ? [] : [{ namespace: "shop", name }];
      const access = { allowInsecureRegistry: false, providers: [], pullSecrets };
      const { signal } = new AbortController();
      return source.fetch<"digest">({ kind: "digest", image, access }, { signal });
    };
    return { ask, taken, revoke: (token: string) => void revoked.add(token) };
  }

  const secrets: CredentialProvider = {
    name: "secrets",
    find: async ({ access }) => {
      const [secret] = access?.pullSecrets ?? [];
      return secret === undefined
        ? { reason: "no secret" }
        : { credential: { kind: "basic", username: secret.name, password: "p" }, source: secret.name };
    },
  };

  test("to one asker is not another's, though they ask for the same", async () => {
    const { ask, taken } = await asking([secrets]);
    for (const who of ["alice", "bob", undefined, "alice", "bob", undefined]) await ask(who);
    const once = ["alice-1", "bob-1", "nobody-1"];
    expect(taken).toEqual([...once, ...once].map((token) => `Bearer ${token}`));
  });

  test("and is refused is asked for anew, that of others is kept", async () => {
    const { ask, taken, revoke } = await asking([secrets]);
    for (const who of ["alice", "bob"]) await ask(who);
    revoke("alice-1");
    for (const who of ["alice", "bob"]) expect(await ask(who)).toMatchObject({ ok: true });
    expect(taken).toEqual(["alice-1", "bob-1", "alice-2", "bob-1"].map((token) => `Bearer ${token}`));
  });

  test("and is refused may have been another's by now: who we are is looked up again", async () => {
    let username = "old";
    const rotating: CredentialProvider = {
      name: "rotating",
      find: async () => ({ credential: { kind: "basic", username, password: "p" }, source: "vault" }),
    };
    const { ask, taken, revoke } = await asking([rotating]);
    await ask();
    username = "new";
    await ask();
    revoke("old-1");
    await ask();
    expect(taken).toEqual(["old-1", "old-1", "new-1"].map((token) => `Bearer ${token}`));
  });
});

test.each([bearer("https://r.example/token"), 'Basic realm="r"'])(
  "a registry token goes to the registry as it is, and to no token server: %s",
  async (challenge) => {
    const { sent, outcomes } = await asked({ challenge, credential: { kind: "bearer", token: "ready" } });
    expect(sent.map((one) => one.split(" as ")[1])).toEqual(["nobody", "Bearer ready"]);
    expect(outcomes).toEqual(["digest"]);
  },
);

test.each<[string, string | undefined, string[], boolean]>([
  ["that is among a policy's providers", "amazon", ["google", "amazon"], true],
  ["that is not", "amazon", ["google"], false],
  ["where a policy lists none", "amazon", [], true],
  ["that Kyverno has no name for", undefined, ["google"], true],
])("a source of credentials %s", async (_name, provider, providers, isAsked) => {
  const credentials = { ...givenCredentials({ "r.example": login }), ...(provider && { provider }) };
  const challenge = 'Basic realm="r"';
  const { sent } = await asked({ challenge, options: { credentials: [credentials] }, providers });
  expect(sent.at(-1)?.endsWith(basic)).toBe(isAsked);
});

test("a registry that wants Bearer without saying where, or Basic, gets the password", async () => {
  const { sent } = await asked({ challenge: 'Basic realm="r", Bearer service="s"', credential: login });
  expect(sent.at(-1)).toBe(`https://r.example/v2/team/app/manifests/v1 as ${basic}`);
});

test("whom a registry leads to has no say in how it is authorized", async () => {
  const sent: string[] = [];
  const challenge = bearer("https://auth.r.example/token");
  const fetch: typeof globalThis.fetch = async (input) => {
    const { host } = new URL(String(input));
    sent.push(host);
    if (host === "r.example")
      return new Response(null, { status: 307, headers: { location: "https://cdn.example/x" } });
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  const credentials = [givenCredentials({ "r.example": login })];
  const source = registrySource({ fetch, credentials, resolve: async () => ["1.1.1.1"] });
  const image = parseImageReference("r.example/team/app:v1");
  expect(summary(await ask(source, { kind: "digest", image }))).toBe("unauthorized");
  expect(sent).toEqual(["r.example", "cdn.example"]);
});

describe("a registry that a policy allows to be insecure is asked by plain http", () => {
  test.each<[string, () => Promise<Response>, boolean]>([
    ["where https cannot be had", () => Promise.reject(new TypeError("fetch failed")), true],
    ["not where https answers 500", async () => new Response(null, { status: 500 }), false],
    [
      "not where https leads nowhere",
      async () => new Response(null, { status: 302, headers: { location: "ftp://a" } }),
      false,
    ],
    ["not where https does not answer", () => new Promise(() => undefined), false],
  ])("%s", async (_name, https, isAsked) => {
    const protocols = new Set<string>();
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { protocol } = new URL(String(input));
      protocols.add(protocol);
      if (protocol === "http:") return new Response(null, { status: 404 });
      const aborted = new Promise<never>((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)),
      );
      return Promise.race([https(), aborted]);
    };
    const source = registrySource({ fetch, retry: { attempts: 1 }, timeoutMs: 50 });
    const access = { allowInsecureRegistry: true, providers: [], pullSecrets: [] };
    await ask(source, { kind: "digest", image: parseImageReference("r.example/team/app:v1"), access });
    expect([...protocols]).toEqual(isAsked ? ["https:", "http:"] : ["https:"]);
  });
});
