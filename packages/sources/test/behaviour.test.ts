import type { Answer, EvidenceLookup, EvidenceSource } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import { givenCredentials } from "@assay/sources/credentials";
import { type BytesCache, type Clock, memoryCache, registrySource } from "@assay/sources/registry";
import { createRegistry, type FaultEffect, hostFetch } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry, summary } from "./fixtures.ts";

/** A clock that moves only when somebody sleeps. */
function fakeClock(random = 0.5): Clock & { readonly slept: readonly number[] } {
  const slept: number[] = [];
  let now = Date.parse("2026-01-01T00:00:00Z");
  return {
    slept,
    random: () => random,
    now: () => now,
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      now += milliseconds;
    },
  };
}

const tag = (text: string) => ({ kind: "digest", image: parseImageReference(text) }) as const;
const key = "r.example/acme/key-ecdsa";

describe("patience", () => {
  test.each([
    ["seconds", "3", [3100, 3200], "rateLimited"],
    ["a date", "Thu, 01 Jan 2026 00:00:02 GMT", [2100, 200], "rateLimited"],
    ["nothing", undefined, [100, 200], "rateLimited"],
    ["nonsense", "soon", [100, 200], "rateLimited"],
    ["ten seconds: as long as we wait", "10", [10_100, 10_200], "rateLimited"],
    ["an hour: longer than we wait", "3600", [], "rateLimited"],
  ])("Retry-After of %s", async (_, header, slept, outcome) => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const headers = header === undefined ? {} : { "retry-after": header };
    registry.inject({ effect: { kind: "status", status: 429, headers } });
    const clock = fakeClock();
    const answer = await ask(registrySource({ fetch: registry.fetch, clock }), tag(`${key}:v1`));
    expect(summary(answer)).toBe(outcome);
    expect(clock.slept).toEqual(slept);
  });

  test.each([
    ["3", [3100, 3200]],
    ["3600", []],
  ])("is what a token server asks for, too: Retry-After of %s", async (header, slept) => {
    const registry = await fixtureRegistry("tags", { host: "r.example", auth: { kind: "bearer" } });
    const headers = { "retry-after": header };
    registry.inject({ path: "/token", effect: { kind: "status", status: 429, headers } });
    const clock = fakeClock();
    const answer = await ask(registrySource({ fetch: registry.fetch, clock }), tag(`${key}:v1`));
    expect(summary(answer)).toBe("rateLimited");
    expect(clock.slept).toEqual(slept);
  });

  test("ends before the deadline with the reason, not with a timeout", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    registry.inject({ effect: { kind: "status", status: 503 } });
    const clock = fakeClock();
    const source = registrySource({ fetch: registry.fetch, clock, retry: { attempts: 10 } });
    const { signal } = new AbortController();
    const answer = await source.fetch<"digest">(tag(`${key}:v1`), { signal, deadline: clock.now() + 350 });
    expect(summary(answer)).toBe("unavailable");
    expect(clock.slept).toEqual([100, 200]);
  });

  test.each([
    ["408", { kind: "status", status: 408 }, 2],
    ["500", { kind: "status", status: 500 }, 2],
    ["504", { kind: "status", status: 504 }, 2],
    ["a connection that breaks", { kind: "disconnect" }, 2],
    ["418", { kind: "status", status: 418 }, 0],
    ["a redirect elsewhere", { kind: "status", status: 302, headers: { location: "ftp://a" } }, 0],
  ] as const)("is had with what may pass: %s", async (_, effect, times) => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    registry.inject({ effect });
    const clock = fakeClock();
    const answer = await ask(registrySource({ fetch: registry.fetch, clock }), tag(`${key}:v1`));
    expect(summary(answer)).toBe("unavailable");
    expect(clock.slept).toEqual([100, 200].slice(0, times));
  });

  test("does not last to the very deadline", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    registry.inject({ effect: { kind: "status", status: 503 } });
    const clock = fakeClock();
    const source = registrySource({ fetch: registry.fetch, clock });
    const { signal } = new AbortController();
    await source.fetch<"digest">(tag(`${key}:v1`), { signal, deadline: clock.now() + 300 });
    expect(clock.slept).toEqual([100]);
  });

  test.each([401, 403, 404, 400])("is not lost on a %i", async (status) => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    registry.inject({ effect: { kind: "status", status } });
    const answer = await ask(registrySource({ fetch: registry.fetch }), tag(`${key}:v1`));
    expect(answer).toMatchObject({ ok: false, requests: 1, failure: { status } });
  });
});

describe("equal lookups", () => {
  test("of 200 evaluations at a time are sent once", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => ask<"digest">(source, tag(`${key}:v1`))),
    );
    expect(registry.requests).toHaveLength(1);
    expect(answers.map(({ requests }) => requests).reduce((a = 0, b = 0) => a + b)).toBe(1);
    expect(new Set(answers.map((answer) => answer.ok && answer.value.digest)).size).toBe(1);
  });

  test("with other credentials are not joined", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    const access = (name: string) => ({
      allowInsecureRegistry: false,
      providers: [],
      pullSecrets: [{ namespace: "a", name }],
    });
    await Promise.all(
      ["x", "y"].map((name) => ask<"digest">(source, { ...tag(`${key}:v1`), access: access(name) })),
    );
    expect(registry.requests).toHaveLength(2);
  });

  test("outlive one of those who wait, and end with the last", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const signals: AbortSignal[] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      if (init?.signal) signals.push(init.signal);
      return registry.fetch(url, init);
    };
    registry.inject({ effect: { kind: "hang" } });
    const source = registrySource({ fetch });
    const [first, second] = [new AbortController(), new AbortController()];
    const one = ask(source, tag(`${key}:v1`), first.signal);
    const other = ask(source, tag(`${key}:v1`), second.signal);
    first.abort(new Error("first gave up"));
    await expect(one).rejects.toThrow("first gave up");
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    second.abort(new Error("second gave up"));
    await expect(other).rejects.toThrow("second gave up");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test.each([
    ["the longest time", 60_000, "digest"],
    ["no more time", 1, "unavailable"],
  ])("are tried again as long as somebody waits who has %s", async (_name, more, outcome) => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    registry.inject({ times: 1, effect: { kind: "status", status: 503 } });
    const clock: Clock = { now: () => 0, sleep: async () => undefined, random: () => 1 };
    const source = registrySource({ fetch: registry.fetch, clock });
    const { signal } = new AbortController();
    const answers = await Promise.all(
      [1, more].map((deadline) => source.fetch<"digest">(tag(`${key}:v1`), { signal, deadline })),
    );
    expect(answers.map(summary)).toEqual([outcome, outcome]);
  });

  describe("of an evaluation that still runs", () => {
    const during = (source: EvidenceSource, lookup: EvidenceLookup, evaluation: AbortSignal) =>
      source.fetch(lookup, { signal: new AbortController().signal, evaluation });

    test("are answered once, until it ends", async () => {
      const registry = await fixtureRegistry("tags", { host: "r.example" });
      const source = registrySource({ fetch: registry.fetch });
      const [first, second] = [new AbortController(), new AbortController()];
      const one = await during(source, tag(`${key}:v1`), first.signal);
      const other = await during(source, tag(`${key}:v1`), second.signal);
      expect(other).toEqual({ ...one, requests: 0 });
      first.abort();
      await during(source, tag(`${key}:v1`), second.signal);
      expect(registry.requests).toHaveLength(2);
    });

    test("but not to who names no evaluation, whose answer is for nobody else", async () => {
      const registry = await fixtureRegistry("tags", { host: "r.example" });
      const source = registrySource({ fetch: registry.fetch });
      const { signal } = new AbortController();
      await during(source, tag(`${key}:v1`), signal);
      await ask(source, tag(`${key}:v1`));
      expect(registry.requests).toHaveLength(2);
    });

    test.each([503, 404])("nor where what it found could not be read whole (%i)", async (status) => {
      const registry = await fixtureRegistry("tags", { host: "r.example" });
      const source = registrySource({ fetch: registry.fetch, retry: { attempts: 1 } });
      const { signal } = new AbortController();
      const digest = await digestAt(source, `${key}:v1`);
      const lookup = { kind: "signatureTag", repository: key, digest } as const;
      registry.inject({ path: "/blobs/", times: 1, effect: { kind: "status", status } });
      expect(summary(await during(source, lookup, signal))).not.toBe("legacy");
      expect(summary(await during(source, lookup, signal))).toBe("legacy");
    });
  });

  test("are sent again once they are answered: a tag is not remembered", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    await ask(source, tag(`${key}:v1`));
    await ask(source, tag(`${key}:v1`));
    expect(registry.requests).toHaveLength(2);
  });
});

test("an aborted signal rejects with its reason, before and while waiting", async () => {
  const registry = await fixtureRegistry("tags", { host: "r.example" });
  registry.inject({ effect: { kind: "status", status: 503, headers: { "retry-after": "5" } } });
  const source = registrySource({ fetch: registry.fetch });
  await expect(ask(source, tag(`${key}:v1`), AbortSignal.abort(new Error("too late")))).rejects.toThrow(
    "too late",
  );
  const controller = new AbortController();
  const waiting = ask(source, tag(`${key}:v1`), controller.signal);
  controller.abort(new Error("deadline"));
  await expect(waiting).rejects.toThrow("deadline");
});

test("no more requests run at a time than the host's limit", async () => {
  const registry = await fixtureRegistry("referrers", { host: "r.example" });
  let running = 0;
  let most = 0;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    return registry.fetch(url, init).finally(() => running--);
  };
  const source = registrySource({ fetch, concurrency: 3 });
  await Promise.all(
    ["key-ecdsa", "key-rsa", "key-two", "key-att3", "both", "unsigned"].map((name) =>
      ask(source, tag(`r.example/acme/${name}:v1`)),
    ),
  );
  expect(most).toBe(3);
});

describe("what is remembered", () => {
  test("the manifest that a tag was resolved by: nobody is asked for it again", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    const digest = await digestAt(source, "r.example/acme/key-ecdsa:v1");
    const answer = await ask(source, { kind: "manifest", repository: "r.example/acme/key-ecdsa", digest });
    expect(answer).toEqual({
      ok: true,
      value: { bytes: new Uint8Array(registry.manifest("acme/key-ecdsa", "v1") ?? []) },
      requests: 0,
    });
    expect(registry.requests).toHaveLength(1);
  });

  test("that a repository has no referrers API, for all of its images", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    const [one, two] = [
      await digestAt(source, `${key}:v1`),
      await digestAt(source, "r.example/acme/unsigned:v1"),
    ];
    for (const digest of [one, two, one]) {
      const lookup = { kind: "referrers", repository: key, digest } as const;
      expect(summary(await ask(source, lookup))).toBe("unsupported");
    }
    expect(registry.requests.filter(({ path }) => path.includes("/referrers/"))).toHaveLength(1);
  });

  // A gateway passes each repository on to a registry of its own.
  test("of one repository, nothing about another on the host", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    registry.inject({ path: "/acme/key-ecdsa/referrers/", effect: { kind: "status", status: 404 } });
    const source = registrySource({ fetch: registry.fetch });
    const listed = async (name: string): Promise<string> => {
      const digest = await digestAt(source, `r.example/acme/${name}:v1`);
      const repository = `r.example/acme/${name}`;
      return summary(await ask(source, { kind: "referrers", repository, digest }));
    };
    expect(await listed("key-ecdsa")).toBe("unsupported");
    expect(await listed("bundle-ecdsa")).toBe("bundle");
  });

  test("of what one credential was answered, nothing for another", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    registry.inject({ path: "/referrers/", times: 1, effect: { kind: "status", status: 404 } });
    const source = registrySource({ fetch: registry.fetch });
    const repository = "r.example/acme/bundle-ecdsa";
    const lookup = {
      kind: "referrers",
      repository,
      digest: await digestAt(source, `${repository}:v1`),
    } as const;
    expect(summary(await ask(source, lookup))).toBe("unsupported");
    const pullSecrets = [{ namespace: "a", name: "b" }];
    const access = { allowInsecureRegistry: false, providers: [], pullSecrets };
    expect(summary(await ask(source, { ...lookup, access }))).toBe("bundle");
  });

  test("nothing, where only the repository is unknown", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    const body = JSON.stringify({ errors: [{ code: "NAME_UNKNOWN" }] });
    registry.inject({ path: "/referrers/", times: 1, effect: { kind: "status", status: 404, body } });
    const source = registrySource({ fetch: registry.fetch });
    const digest = await digestAt(source, "r.example/acme/bundle-ecdsa:v1");
    const lookup = { kind: "referrers", repository: "r.example/acme/bundle-ecdsa", digest } as const;
    expect(summary(await ask(source, lookup))).toBe("unsupported");
    expect(summary(await ask(source, lookup))).toBe("bundle");
  });

  test("bytes by their digest: the second look at an image asks for its tags alone", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch });
    const digest = await digestAt(source, "r.example/acme/key-att3:v1");
    const lookup = { kind: "attestationTag", repository: "r.example/acme/key-att3", digest } as const;
    const first = await ask(source, lookup);
    const second = await ask(source, lookup);
    expect([first.requests, second.requests]).toEqual([4, 1]);
    expect(second.ok && second.value).toEqual(first.ok && first.value);
  });

  test.each(["tags", "referrers"] as const)(
    "what hangs on an image, and that nothing does, where that was asked for (%s)",
    async (layout) => {
      const registry = await fixtureRegistry(layout, { host: "r.example" });
      const source = registrySource({ fetch: registry.fetch, listingTtlMs: 60_000 });
      const digest = await digestAt(source, "r.example/acme/bundle-ecdsa:v1");
      const shelves = ["signatureTag", "attestationTag", "referrers", "referrersTag"] as const;
      const lookups = shelves.map((kind) => ({ kind, repository: "r.example/acme/bundle-ecdsa", digest }));
      const first = await Promise.all(lookups.map((lookup) => ask(source, lookup)));
      registry.forgetRequests();
      const second = await Promise.all(lookups.map((lookup) => ask(source, lookup)));
      expect(second.map((answer) => answer.ok && answer.value)).toEqual(
        first.map((answer) => answer.ok && answer.value),
      );
      expect(registry.requests).toEqual([]);
      const access = {
        allowInsecureRegistry: false,
        providers: [],
        pullSecrets: [{ namespace: "a", name: "b" }],
      };
      await Promise.all(lookups.map((lookup) => ask(source, { ...lookup, access })));
      expect(registry.requests.length).toBeGreaterThanOrEqual(3);
    },
  );

  test("never what an image's own tag points to", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch, listingTtlMs: 60_000 });
    const before = await digestAt(source, `${key}:v1`);
    const other = await digestAt(source, "r.example/acme/unsigned:v1");
    const bytes = registry.manifest("acme/unsigned", "v1") ?? new Uint8Array();
    registry.pushManifest("acme/key-ecdsa", bytes, { tag: "v1" });
    expect([before, other]).not.toEqual([other, other]);
    expect(await digestAt(source, `${key}:v1`)).toBe(other);
  });

  test.each<[string, FaultEffect, string]>([
    ["what could not be had", { kind: "status", status: 503 }, "unavailable"],
    [
      "a login page in its place",
      { kind: "status", status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
      "unavailable",
    ],
    ["half of an answer", { kind: "replace", body: '{"schemaVersion":2,' }, "malformed"],
  ])("no failure: %s is asked for again", async (_, effect, outcome) => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch, listingTtlMs: 60_000, retry: { attempts: 1 } });
    const digest = await digestAt(source, `${key}:v1`);
    const lookup = { kind: "signatureTag", repository: key, digest } as const;
    registry.inject({ path: ".sig", times: 1, effect });
    expect(summary(await ask(source, lookup))).toBe(outcome);
    expect(summary(await ask(source, lookup))).toBe("legacy");
  });

  test("no manifest that is gone by now: the tag is asked for anew", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const forgetful: BytesCache = { get: async () => undefined, set: async () => undefined };
    const source = registrySource({ fetch: registry.fetch, listingTtlMs: 60_000, cache: forgetful });
    const digest = await digestAt(source, `${key}:v1`);
    const lookup = { kind: "signatureTag", repository: key, digest } as const;
    expect(summary(await ask(source, lookup))).toBe("legacy");
    registry.inject({ path: "/manifests/sha256:", effect: { kind: "status", status: 404 } });
    expect(summary(await ask(source, lookup))).toBe("legacy");
  });

  test("nothing that a shared cache changed: bytes are hashed again", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    const memory = memoryCache();
    const poisoned: BytesCache = {
      get: async (digest) => (await memory.get(digest))?.map((byte) => byte ^ 1),
      set: (digest, bytes) => memory.set(digest, bytes),
    };
    const sourceOf = () => registrySource({ fetch: registry.fetch, cache: poisoned });
    const digest = await digestAt(sourceOf(), "r.example/acme/key-ecdsa:v1");
    const lookup = { kind: "signatureTag", repository: key, digest } as const;
    const first = await ask(sourceOf(), lookup);
    const second = await ask(sourceOf(), lookup);
    expect(second.ok && second.value).toEqual(first.ok && first.value);
    expect(second.requests).toBe(2);
  });

  describe("the very candidates that a manifest led to", () => {
    const candidatesOf = (answer: Answer) =>
      answer.ok && "candidates" in answer.value ? answer.value.candidates : [];
    const lookupIn = async (source: EvidenceSource, name: string, kind: "signatureTag" | "referrers") => {
      const repository = `r.example/acme/${name}`;
      return { kind, repository, digest: await digestAt(source, `${repository}:v1`) } as const;
    };

    test.each([
      ["tags", "key-ecdsa", "signatureTag", 1],
      ["referrers", "bundle-ecdsa", "referrers", 1],
    ] as const)("without asking for their bytes again (%s)", async (layout, name, kind, requests) => {
      const registry = await fixtureRegistry(layout, { host: "r.example" });
      const none: BytesCache = { get: () => undefined, set: () => undefined };
      const source = registrySource({ fetch: registry.fetch, cache: none });
      const lookup = await lookupIn(source, name, kind);
      const first = candidatesOf(await ask(source, lookup));
      registry.forgetRequests();
      const second = candidatesOf(await ask(source, lookup));
      expect(first.length).toBeGreaterThan(0);
      expect(second.map((candidate, i) => candidate === first[i])).toEqual(first.map(() => true));
      expect(registry.requests.filter(({ path }) => path.includes("/blobs/"))).toEqual([]);
      expect(registry.requests.length).toBeGreaterThanOrEqual(requests);
    });

    test("but not where one of them could not be read", async () => {
      const registry = await fixtureRegistry("tags", { host: "r.example" });
      const source = registrySource({ fetch: registry.fetch });
      const lookup = await lookupIn(source, "key-ecdsa", "signatureTag");
      registry.inject({ path: "/blobs/", times: 1, effect: { kind: "status", status: 404 } });
      expect(summary(await ask(source, lookup))).toBe("malformed");
      expect(summary(await ask(source, lookup))).toBe("legacy");
    });

    test("nor past the limit of bytes of one lookup", async () => {
      const registry = await fixtureRegistry("referrers", { host: "r.example" });
      const limits = { lookupBytes: 500 };
      const source = registrySource({ fetch: registry.fetch, limits });
      const lookup = await lookupIn(source, "bundle-ecdsa", "referrers");
      const first = summary(await ask(source, lookup));
      expect(first).toContain("tooLarge");
      expect(summary(await ask(source, lookup))).toBe(first);
    });
  });
});

describe("redirects", () => {
  /** What is asked for where a registry answers by these statuses first, each time leading to another host. */
  async function led(statuses: readonly number[]) {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const sent: string[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { host, pathname } = new URL(String(input));
      const { authorization } = (init?.headers ?? {}) as Record<string, string>;
      const status = statuses[sent.push(`${host} ${authorization}`) - 2];
      if (sent.length === 1)
        return new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } });
      if (status === undefined) return registry.fetch(`https://r.example${pathname}`, init);
      const location = `https://cdn${sent.length - 1}.example${pathname}`;
      return new Response(null, { status, headers: { location } });
    };
    const robot = { kind: "basic", username: "robot", password: "s3cret" } as const;
    const credentials = [givenCredentials({ "r.example": robot })];
    const resolve = async (): Promise<string[]> => ["1.1.1.1"];
    const source = registrySource({ fetch, credentials, resolve, retry: { attempts: 1 } });
    return { outcome: summary(await ask(source, tag(`${key}:v1`))), sent };
  }

  test.each([301, 302, 303, 307, 308])("by %i are followed, without our password", async (status) => {
    const { outcome, sent } = await led([status]);
    expect(outcome).toBe("digest");
    expect(sent.slice(1)).toEqual([expect.stringMatching(/^r\.example Basic /), "cdn1.example undefined"]);
  });

  test.each([300, 304])("are not what %i is", async (status) => {
    expect((await led([status])).outcome).toBe("unavailable");
  });

  test.each([
    [5, "digest"],
    [6, "unavailable"],
  ])("one behind the other are followed to the fifth: %i, %s", async (count, outcome) => {
    const { outcome: came, sent } = await led(Array.from({ length: count }, () => 307));
    expect(came).toBe(outcome);
    expect(sent).toHaveLength(7);
  });
});

describe("names and places", () => {
  test.each([
    ["nginx", "https://registry-1.docker.io/v2/library/nginx/manifests/latest"],
    ["docker.io/nginx:1", "https://registry-1.docker.io/v2/library/nginx/manifests/1"],
    ["index.docker.io/acme/app:1", "https://registry-1.docker.io/v2/acme/app/manifests/1"],
    ["ghcr.io/acme/app:1", "https://ghcr.io/v2/acme/app/manifests/1"],
    ["registry.example:5000/app:1", "https://registry.example:5000/v2/app/manifests/1"],
    ["localhost:5000/app:1", "http://localhost:5000/v2/app/manifests/1"],
    ["127.0.0.1:5000/app:1", "http://127.0.0.1:5000/v2/app/manifests/1"],
    ["plain.example/app:1", "http://plain.example/v2/app/manifests/1"],
    ["localhost:5443/app:1", "https://localhost:5443/v2/app/manifests/1"],
  ])("%s is asked at %s", async (image, url) => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (address) => {
      asked.push(String(address));
      return new Response(null, { status: 404 });
    };
    const source = registrySource({ fetch, insecureHosts: ["plain.example"], tlsHosts: ["localhost:5443"] });
    await ask(source, tag(image));
    expect(asked).toEqual([url]);
  });

  test("signatures are found behind a tag prefix", async () => {
    const registry = await fixtureRegistry("tags", { host: "r.example" });
    const digest = await digestAt(registrySource({ fetch: registry.fetch }), `${key}:v1`);
    const name = `${digest.replace(":", "-")}.sig`;
    const [signature] = registry
      .manifests()
      .filter((one) => one.repository === "acme/key-ecdsa" && one.tag === name);
    registry.tag("acme/key-ecdsa", `team-${name}`, signature?.descriptor.digest ?? "");
    const source = registrySource({ fetch: registry.fetch, tagPrefix: "team-" });
    registry.forgetRequests();
    expect(summary(await ask(source, { kind: "signatureTag", repository: key, digest }))).toBe("legacy");
    expect(registry.requests[0]?.path).toBe(`/v2/acme/key-ecdsa/manifests/team-${name}`);
  });

  async function mirrored(only: boolean, mirrorHas: boolean) {
    const original = await fixtureRegistry("referrers", { host: "r.example" });
    const mirror = mirrorHas
      ? await fixtureRegistry("referrers", { host: "m.example" })
      : createRegistry({ host: "m.example" });
    const fetch = hostFetch({ [original.host]: original.handle, [mirror.host]: mirror.handle });
    const mirrors = [{ prefix: "r.example/acme", location: "m.example/acme", only }];
    return { original, mirror, source: registrySource({ fetch, mirrors }) };
  }

  test("a mirror that has it is enough, and the notes say so", async () => {
    const { original, source } = await mirrored(false, true);
    const answer = await ask(source, tag(`${key}:v1`));
    expect(summary(answer)).toBe("digest");
    expect(answer.notes).toEqual([`\`${key}\` was asked at its mirror \`m.example/acme/key-ecdsa\``]);
    expect(original.requests).toEqual([]);
  });

  test("a mirror that lacks signatures hides none: the original is asked", async () => {
    const { mirror, source } = await mirrored(false, false);
    const digest = await digestAt(source, `${key}:v1`);
    const answer = await ask(source, { kind: "signatureTag", repository: key, digest });
    expect(summary(answer)).toBe("legacy");
    expect(answer.ok && answer.value.candidates[0]?.origin.repository).toBe(key);
    expect(mirror.requests).toHaveLength(2);
  });

  test("a mirror in trouble is passed over, and the notes say why", async () => {
    const { mirror, source } = await mirrored(false, true);
    mirror.inject({ effect: { kind: "status", status: 403 } });
    const answer = await ask(source, tag(`${key}:v1`));
    expect(summary(answer)).toBe("digest");
    expect(answer.notes).toEqual([
      expect.stringMatching(/^mirror `m.example\/acme\/key-ecdsa`: .* answered 403/),
    ]);
  });

  test("where only the mirror may be asked, the original is not", async () => {
    const { original, source } = await mirrored(true, false);
    expect(summary(await ask(source, tag(`${key}:v1`)))).toBe("notFound");
    expect(original.requests).toEqual([]);
  });
});
