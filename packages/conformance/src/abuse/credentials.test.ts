import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerConfigCredentials, givenCredentials } from "@assay/sources/credentials";
import { createRegistry, type Handler, image, type Registry } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { type EngineJudged, HOST, judgePod, type WorldOptions } from "./engine-world.ts";
import { policyKey } from "./world.ts";

const SECRET = { kind: "basic", username: "me", password: "secret" } as const;
const BASIC = `Basic ${Buffer.from("me:secret").toString("base64")}`;
const TOKEN_HOST = "auth.example.net";

/** A registry that wants a token, and our credentials for it. */
async function challenged(realm: string, options: WorldOptions = {}): Promise<EngineJudged> {
  const registry = createRegistry({ host: HOST, auth: { kind: "bearer", realm } });
  const pushed = image().signedBy(policyKey).pushTo(registry);
  const credentials = [givenCredentials({ [HOST]: SECRET })];
  return await judgePod(registry, pushed.byDigest, {
    ...options,
    source: { credentials, ...options.source },
  });
}

/** A host that writes down what it is asked and gives a token. */
function listener(answer: () => Response = () => Response.json({ token: "t" })): {
  handle: Handler;
  seen: Request[];
} {
  const seen: Request[] = [];
  return {
    seen,
    handle: async (request) => {
      seen.push(request);
      return answer();
    },
  };
}

describe("token realms", () => {
  const inside = [
    "http://169.254.169.254/token",
    "https://169.254.169.254/token",
    "https://127.0.0.1/token",
    "https://localhost/token",
    "https://10.0.0.7/token",
    "https://[::1]/token",
    "https://[::ffff:10.0.0.7]/token",
    "https://metadata.google.internal/token",
    "https://2130706433/token",
    "https://0x7f.1/token",
    "https://rebind.example.net/token",
  ];
  test.each(inside)("14 a token realm at `%s`: denied", async (realm) => {
    const { host } = new URL(realm);
    const secretive = listener();
    const { verdict, asked } = await challenged(realm, {
      hosts: { [host]: secretive.handle },
      source: { resolve: async (name) => [name === "rebind.example.net" ? "10.1.2.3" : "192.0.2.1"] },
    });
    expect(verdict.allowed).toBe(false);
    expect(asked.filter((url) => new URL(url).host === host)).toEqual([]);
    expect(secretive.seen).toEqual([]);
  });

  test("14 a token realm that redirects inside: denied", async () => {
    const secretive = listener();
    const redirecting = listener(
      () => new Response(null, { status: 302, headers: { location: "https://10.0.0.7/token" } }),
    );
    const { verdict } = await challenged(`https://${TOKEN_HOST}/token`, {
      hosts: { [TOKEN_HOST]: redirecting.handle, "10.0.0.7": secretive.handle },
    });
    expect(verdict.allowed).toBe(false);
    expect(secretive.seen).toEqual([]);
  });

  test("15 a token realm on another host does not see our password: denied", async () => {
    const curious = listener(() => Response.json({ errors: [] }, { status: 401 }));
    const { verdict } = await challenged(`https://${TOKEN_HOST}/token`, {
      hosts: { [TOKEN_HOST]: curious.handle },
    });
    expect(verdict.allowed).toBe(false);
    expect(curious.seen.filter((request) => request.headers.has("authorization"))).toEqual([]);
  });

  test("15 a token realm that was allowed by name gets it: allowed", async () => {
    const registry = createRegistry({
      host: HOST,
      auth: { kind: "bearer", realm: `https://${TOKEN_HOST}/token`, username: "me", password: "secret" },
    });
    const pushed = image().signedBy(policyKey).pushTo(registry);
    const { verdict } = await judgePod(registry, pushed.byDigest, {
      hosts: { [TOKEN_HOST]: registry.handle },
      source: { credentials: [givenCredentials({ [HOST]: SECRET })], tokenHosts: { [HOST]: [TOKEN_HOST] } },
    });
    expect(verdict.allowed).toBe(true);
  });

  const answers: Record<string, () => Response> = {
    "of more than 1 MB": () => Response.json({ token: "t", fill: "x".repeat(2_000_000) }),
    "that never ends": () =>
      new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65536)) })),
    "that is no JSON": () => new Response("<html>token</html>"),
    "without a token": () => Response.json({}),
    "whose token is a number": () => Response.json({ token: 7 }),
    "whose token holds a line break": () => Response.json({ token: "a\r\nx-evil: 1" }),
    "whose token holds a space": () => Response.json({ token: "a b" }),
    "whose token is empty": () => Response.json({ token: "" }),
  };
  abuseCases(
    Object.entries(answers).map(
      ([what, answer]): AbuseCase => ({
        name: `18 a token answer ${what}`,
        judge: () =>
          challenged(`https://${TOKEN_HOST}/token`, {
            hosts: { [TOKEN_HOST]: listener(answer).handle },
            source: { tokenHosts: { [HOST]: [TOKEN_HOST] } },
          }),
        want: "error",
      }),
    ),
  );
});

describe("redirects", () => {
  /** Signed image whose signature blob is served by another place. */
  async function redirected(
    location: string,
    hosts: Record<string, Handler>,
    source: WorldOptions["source"] = {},
  ): Promise<EngineJudged & { registry: Registry }> {
    const registry = createRegistry({ host: HOST, auth: SECRET });
    const pushed = image().signedBy(policyKey).pushTo(registry);
    registry.inject({ path: "/blobs/", effect: { kind: "status", status: 307, headers: { location } } });
    const credentials = [givenCredentials({ [HOST]: SECRET })];
    return {
      ...(await judgePod(registry, pushed.byDigest, { hosts, source: { credentials, ...source } })),
      registry,
    };
  }
  /** The signature itself, given to whoever asks. */
  function storage(): ReturnType<typeof listener> {
    const copy = createRegistry();
    const pushed = image().signedBy(policyKey).pushTo(copy);
    void pushed;
    return listener(() => new Response("{}"));
  }

  test("16 a redirect of a blob to another host loses our password: denied", async () => {
    const elsewhere = storage();
    const { asked } = await redirected("https://storage.example.net/blob", {
      "storage.example.net": elsewhere.handle,
    });
    expect(asked).toContain("https://storage.example.net/blob");
    expect(elsewhere.seen.map((request) => request.headers.get("authorization"))).toEqual(
      elsewhere.seen.map(() => null),
    );
    expect(elsewhere.seen.length).toBeGreaterThan(0);
  });

  test("16 a redirect that serves the right bytes: allowed", async () => {
    const registry = createRegistry({ host: HOST, auth: SECRET });
    const pushed = image().signedBy(policyKey).pushTo(registry);
    registry.inject({
      path: "/blobs/",
      effect: {
        kind: "answer",
        answer: async (request) =>
          new Response(null, {
            status: 307,
            headers: { location: `https://storage.example.net${new URL(request.url).pathname}` },
          }),
      },
    });
    const seen: (string | null)[] = [];
    const store: Handler = async (request) => {
      seen.push(request.headers.get("authorization"));
      const digest = new URL(request.url).pathname.split("/").at(-1) ?? "";
      return new Response(new Uint8Array(registry.blob("acme/app", decodeURIComponent(digest)) ?? []));
    };
    const { verdict } = await judgePod(registry, pushed.byDigest, {
      hosts: { "storage.example.net": store },
      source: { credentials: [givenCredentials({ [HOST]: SECRET })] },
    });
    expect(verdict.allowed).toBe(true);
    expect(seen).toEqual([null]);
  });

  test.each([
    ["17 a redirect of a blob from https to http", "http://storage.example.net/blob"],
    ["14 a redirect of a blob to the metadata service", "https://169.254.169.254/blob"],
    ["14 a redirect of a blob to loopback", "https://127.0.0.1:2375/blob"],
    ["17 a redirect of a blob to a file", "file:///etc/passwd"],
    ["17 a redirect of a blob with user info", "https://me:secret@storage.example.net/blob"],
  ])("%s: denied", async (_, location) => {
    const elsewhere = storage();
    const host = new URL(location).host;
    const { verdict, asked } = await redirected(location, host === "" ? {} : { [host]: elsewhere.handle });
    expect(verdict.allowed).toBe(false);
    expect(elsewhere.seen).toEqual([]);
    expect(asked.filter((url) => !url.includes(HOST))).toEqual([]);
  });

  test("17 a token realm from https to http: denied", async () => {
    const elsewhere = listener();
    const { verdict } = await challenged(`http://${TOKEN_HOST}/token`, {
      hosts: { [TOKEN_HOST]: elsewhere.handle },
      source: { tokenHosts: { [HOST]: [TOKEN_HOST] } },
    });
    expect(verdict.allowed).toBe(false);
    expect(elsewhere.seen).toEqual([]);
  });
});

describe("whose credentials", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "assay-abuse-"));
    const auths = { [HOST]: { auth: Buffer.from("me:secret").toString("base64") } };
    await writeFile(join(directory, "config.json"), JSON.stringify({ auths }));
  });
  afterAll(async () => await rm(directory, { recursive: true }));

  const asks = async (host: string): Promise<readonly (string | undefined)[]> => {
    const registry = createRegistry({ host, auth: SECRET });
    const pushed = image().signedBy(policyKey).pushTo(registry);
    await judgePod(registry, pushed.byDigest, {
      source: { credentials: [dockerConfigCredentials({ path: join(directory, "config.json"), env: {} })] },
    });
    return registry.requests.map(({ headers }) => headers["authorization"]);
  };

  test("19 the registry itself gets its credentials: allowed", async () => {
    expect(await asks(HOST)).toContain(BASIC);
  });

  test.each([
    `${HOST}.evil.example`,
    `evil${HOST}`,
    `evil-${HOST}`,
    `${HOST}:8443`,
    `www.${HOST}`,
    "example.com",
  ])("19 `%s` gets nothing of what is kept for another registry: denied", async (host) => {
    const given = await asks(host);
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter((authorization) => authorization !== undefined)).toEqual([]);
  });
});
