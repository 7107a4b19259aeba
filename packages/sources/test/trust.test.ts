import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrustSource } from "@assay/engine";
import { type TufOptions, trustRoots, tufTrust } from "@assay/sources/trust";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type TestTufRepository, tufRepository } from "./tuf-repository.ts";

const fixtures = new URL("../../conformance/cases/fixtures/trust/", import.meta.url).pathname;
const { signal } = new AbortController();

let directory: string;
let repository: TestTufRepository;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-trust-"));
  repository = await tufRepository();
});
afterEach(async () => {
  await repository.close();
  await rm(directory, { recursive: true });
});

async function ask(source: TrustSource, name = "public-good") {
  const answer = await source.fetch({ kind: "trustRoot", name }, { signal });
  return answer.ok
    ? { json: answer.value.json, notes: answer.notes ?? [] }
    : { code: answer.failure.code, message: answer.failure.message };
}

describe("roots from files", () => {
  test("trusted_root.json is answered as it is, and again when it changes", async () => {
    const file = join(directory, "root.json");
    await writeFile(file, '{"mediaType":"one"}');
    const source = trustRoots({ file });
    expect(await ask(source)).toMatchObject({ json: '{"mediaType":"one"}' });
    await writeFile(file, '{"mediaType":"changed"}');
    expect(await ask(source)).toMatchObject({ json: '{"mediaType":"changed"}' });
  });

  test("the roots of a .jsonl are joined: each is trusted", async () => {
    const root = JSON.parse(await readFile(`${fixtures}trusted_root.json`, "utf8"));
    const lines = [root, { ...root, tlogs: [], timestampAuthorities: undefined }].map((one) =>
      JSON.stringify(one),
    );
    const { json = "" } = await ask(trustRoots({ json: `${lines.join("\n")}\n` }));
    const joined = JSON.parse(json);
    expect(
      [joined.tlogs, joined.certificateAuthorities, joined.timestampAuthorities].map(({ length }) => length),
    ).toEqual([1, 2, 1]);
    expect(joined.mediaType).toBe(root.mediaType);
  });

  test("PEM files say the same as the trusted root that was made of them", async () => {
    const pem = async (name: string) => [await readFile(fixtures + name, "utf8")];
    const source = trustRoots({
      pem: {
        fulcio: await pem("fulcio-chain.pem"),
        rekor: await pem("rekor.pub"),
        ctlog: await pem("ctlog.pub"),
        tsa: await pem("tsa-chain.pem"),
      },
    });
    const { json = "" } = await ask(source);
    const made = JSON.parse(json);
    const given = JSON.parse(await readFile(`${fixtures}trusted_root.json`, "utf8"));
    for (const part of ["tlogs", "ctlogs"]) {
      expect(made[part][0].logId).toEqual(given[part][0].logId);
      expect(made[part][0].publicKey).toMatchObject({
        rawBytes: given[part][0].publicKey.rawBytes,
        keyDetails: given[part][0].publicKey.keyDetails,
      });
    }
    for (const part of ["certificateAuthorities", "timestampAuthorities"]) {
      expect(made[part][0].certChain).toEqual(given[part][0].certChain);
    }
  });

  test.each([
    ["ed25519", generateKeyPairSync("ed25519"), "PKIX_ED25519"],
    ["rsa 2048", generateKeyPairSync("rsa", { modulusLength: 2048 }), "PKIX_RSA_PKCS1V15_2048_SHA256"],
    ["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" }), "PKIX_ECDSA_P384_SHA_384"],
    ["rsa 1024", generateKeyPairSync("rsa", { modulusLength: 1024 }), "a key of a kind that no log uses"],
    ["ed448", generateKeyPairSync("ed448"), "a key of a kind that no log uses"],
    ["secp256k1", generateKeyPairSync("ec", { namedCurve: "secp256k1" }), "a key of a kind that no log uses"],
  ])("a log's key in PEM, %s", async (_name, { publicKey }, said) => {
    const rekor = [publicKey.export({ type: "spki", format: "pem" }).toString()];
    const answer = await ask(trustRoots({ pem: { rekor } }));
    expect(answer.json ?? answer.message).toContain(said);
  });

  test.each([
    ["twelve certificates of an authority", 12, true],
    ["thirteen certificates of an authority", 13, false],
  ])("%s", async (_name, count, isTaken) => {
    const chain = await readFile(`${fixtures}fulcio-chain.pem`, "utf8");
    const one = chain.slice(0, chain.indexOf("-----END CERTIFICATE-----") + 26);
    const answer = await ask(trustRoots({ pem: { fulcio: [one.repeat(count)] } }));
    expect(answer.json !== undefined).toBe(isTaken);
  });

  test("no more than 64 roots are joined", async () => {
    const roots = (count: number) => ask(trustRoots({ json: "{}\n".repeat(count) }));
    expect(await roots(64)).toHaveProperty("json");
    expect(await roots(65)).toMatchObject({ code: "malformed" });
  });

  test.each<[string, Parameters<typeof trustRoots>[0], string]>([
    ["a source without a name", { source: trustRoots({ json: "{}" }) }, "public-good"],
    ["a root whose name is `pem`", { pem: { json: "{}" } }, "pem"],
    ["a root whose name is `source`", { source: { pem: {} } }, "source"],
    ["roots whose names are `json` and `pem`", { json: { json: "{}" }, pem: { json: "{}" } }, "json"],
  ])("%s is found by its name alone", async (_what, given, name) => {
    expect(await ask(trustRoots(given), name)).toHaveProperty("json");
    const other = name === "public-good" ? "source" : "public-good";
    expect(await ask(trustRoots(given), other)).toMatchObject({ code: "notFound" });
  });

  test("several roots are told apart by name, and an unknown name is no other root", async () => {
    const source = trustRoots({ ours: { json: '{"a":1}' }, theirs: { json: '{"b":2}' } });
    expect(await ask(source, "theirs")).toMatchObject({ json: '{"b":2}' });
    expect(await ask(source)).toEqual({
      code: "notFound",
      message: "there is no trust root `public-good`; configured are: ours, theirs",
    });
  });

  test.each([
    ["no JSON", { json: "-----BEGIN" }, "malformed"],
    ["nothing", { json: "" }, "malformed"],
    ["one bad line", { json: '{"a":1}\n[]\n' }, "malformed"],
    ["a missing file", { file: "/nowhere/root.json" }, "unavailable"],
    ["a key that is none", { pem: { rekor: ["nonsense"] } }, "malformed"],
    ["an authority without certificates", { pem: { fulcio: ["nonsense"] } }, "malformed"],
  ])("%s: %s", async (_, input, code) => {
    expect(await ask(trustRoots(input))).toMatchObject({ code });
  });

  test("5 MiB are too many", async () => {
    const file = join(directory, "big.json");
    await writeFile(file, Buffer.alloc(5 * 1024 * 1024, " "));
    expect(await ask(trustRoots({ file }))).toMatchObject({ code: "tooLarge" });
  });
});

describe("roots by TUF", () => {
  const now = { value: Date.parse("2026-11-23T12:00:00Z") };
  const day = 86_400_000;
  const tuf = (more: TufOptions = {}) =>
    tufTrust({
      mirror: repository.url,
      root: repository.root,
      cacheDirectory: join(directory, "cache"),
      retries: 0,
      now: () => now.value,
      ...more,
    });

  test("are loaded, kept, and there without network at the next start", async () => {
    repository.publish('{"root":1}');
    expect(await ask(tuf())).toMatchObject({ json: '{"root":1}' });
    repository.goDown();
    repository.requests.length = 0;
    expect(await ask(tuf())).toMatchObject({ json: '{"root":1}' });
    expect(repository.requests).toEqual([]);
  });

  test("are asked for once by many at a time, and not at all before they are needed", async () => {
    repository.publish('{"root":1}');
    const source = tuf();
    expect(repository.requests).toEqual([]);
    await Promise.all(Array.from({ length: 20 }, () => ask(source)));
    expect(repository.requests.filter((path) => path === "timestamp.json")).toHaveLength(1);
  });

  test("are refreshed in the background when they are a day old", async () => {
    repository.publish('{"root":1}');
    const source = tuf();
    await ask(source);
    repository.publish('{"root":2}');
    expect(await ask(source)).toMatchObject({ json: '{"root":1}' });
    now.value += day;
    const stale = await ask(source);
    await soon(async () => expect(await ask(source)).toMatchObject({ json: '{"root":2}' }));
    expect(stale).toMatchObject({ json: '{"root":1}' });
  });

  test("that cannot be refreshed stay what they were, and the notes say so", async () => {
    repository.publish('{"root":1}');
    const source = tuf();
    await ask(source);
    repository.goDown();
    now.value += day;
    await ask(source);
    await soon(async () => {
      const { json, notes } = await ask(source);
      expect(json).toBe('{"root":1}');
      expect(notes?.join("\n")).toMatch(/refreshed 20.*\n(.*\n)*the last refresh failed: /);
    });
  });

  test("whose mirror is down are not waited for by every evaluation", async () => {
    repository.goDown();
    const source = tuf();
    for (const _ of [1, 2, 3]) expect(await ask(source)).toMatchObject({ code: "unavailable" });
    expect(repository.requests).toHaveLength(1);
    now.value += 10_000;
    await ask(source);
    expect(repository.requests).toHaveLength(2);
  });

  test("follow a rotated root key", async () => {
    repository.publish('{"root":1}');
    await ask(tuf());
    repository.rotateRoot(true);
    repository.publish('{"root":2}');
    await ask(tuf({ refreshMs: 0 }));
    await soon(async () => expect(await ask(tuf())).toMatchObject({ json: '{"root":2}' }));
  });

  test("that a cached timestamp let expire are looked for with their new root keys, not only with the old", async () => {
    repository.publish('{"root":1}', { expires: new Date(Date.now() + 400).toISOString() });
    await ask(tuf());
    repository.rotateRoot(false);
    repository.publish('{"root":2}');
    await soon(async () => expect(await ask(tuf())).toMatchObject({ code: "unavailable" }));
  });

  test("of another first root are another repository, though the address is the same", async () => {
    repository.publish('{"root":1}');
    await ask(tuf());
    const other = await tufRepository();
    expect(await ask(tuf({ root: other.root, cacheDirectory: join(directory, "cache") }))).toMatchObject({
      code: "unavailable",
    });
    await other.close();
  });

  test.each<[string, () => unknown]>([
    ["a root that only its own new key signed", () => repository.rotateRoot(false)],
    [
      "an expired timestamp (freeze)",
      () => repository.publish('{"root":2}', { expires: "2026-01-01T00:00:00Z" }),
    ],
    ["a timestamp that was changed", () => change("timestamp.json", "2126", "2127")],
    [
      "a target that was changed",
      () =>
        [...repository.files.keys()]
          .filter((name) => name.startsWith("targets/"))
          .map((name) => change(name, "1", "9")),
    ],
    ["a mirror that is gone", () => repository.goDown()],
  ])("89 are refused at the first start: %s", async (_, tamper) => {
    repository.publish('{"root":1}');
    tamper();
    expect(await ask(tuf())).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("give a trusted root file"),
    });
  });

  test("89 are never rolled back to an older version", async () => {
    repository.publish('{"root":1}');
    repository.publish('{"root":2}');
    await ask(tuf());
    repository.publish('{"root":1}', { version: 1 });
    const source = tuf({ refreshMs: 0 });
    await ask(source);
    await soon(async () =>
      expect((await ask(source)).notes?.join("\n")).toContain("the last refresh failed"),
    );
    expect(await ask(source)).toMatchObject({ json: '{"root":2}' });
  });

  test("89 in a shared cache are not replaced by an older version that another process had under way", async () => {
    repository.publish('{"root":1}');
    const shared = join(directory, "shared");
    let overtaken = false;
    repository.beforeAnswer = async (path) => {
      if (!path.startsWith("targets/") || overtaken) return;
      overtaken = true;
      repository.publish('{"root":2}');
      await ask(tuf({ cacheDirectory: shared }));
    };
    expect(await ask(tuf({ cacheDirectory: shared }))).toMatchObject({ json: '{"root":1}' });
    repository.goDown();
    // Without network: what is in the cache is whole, and the newer one.
    expect(await ask(tuf({ cacheDirectory: shared }))).toMatchObject({ json: '{"root":2}' });
  });

  test("90 are not used once their metadata expired, unless that was asked for", async () => {
    repository.publish('{"root":1}', { expires: "2126-01-01T00:00:00Z" });
    const [refusing, using] = [tuf(), tuf({ expired: "use" })];
    await ask(refusing);
    await ask(using);
    repository.goDown();
    now.value = Date.parse("2126-01-02T00:00:00Z");
    expect(await ask(refusing)).toMatchObject({ code: "unavailable" });
    expect(await ask(using)).toMatchObject({
      json: '{"root":1}',
      notes: expect.arrayContaining([expect.stringContaining("EXPIRED")]),
    });
    now.value = Date.parse("2026-11-23T12:00:00Z");
  });

  test("90 that expired meanwhile are used by a later start where that was asked for, as they were verified", async () => {
    const expires = Date.now() + 500;
    repository.publish('{"root":1}', { expires: new Date(expires).toISOString() });
    await ask(tuf());
    repository.goDown();
    await soon(async () => expect(Date.now()).toBeGreaterThan(expires));
    expect(await ask(tuf())).toMatchObject({ code: "unavailable" });
    expect(await ask(tuf({ expired: "use" }))).toEqual({
      json: '{"root":1}',
      notes: [
        expect.stringContaining(`refreshed ${new Date(now.value).toISOString()}`),
        expect.stringContaining("has EXPIRED"),
        expect.stringContaining("the last refresh failed"),
      ],
    });
    const cache = join(directory, "cache");
    const [name = ""] = await readdir(cache);
    const targets = join(cache, name, "targets.json");
    const named = JSON.parse(await readFile(targets, "utf8"));
    const target = named.signed.targets["trusted_root.json"];
    for (const hashes of [{}, { ...target.hashes, sha512: "0" }, { sha512: target.hashes.sha256 }]) {
      target.hashes = hashes;
      await writeFile(targets, JSON.stringify(named));
      expect(await ask(tuf({ expired: "use" }))).toMatchObject({ code: "unavailable" });
    }
    await rm(targets);
    expect(await ask(tuf({ expired: "use" }))).toMatchObject({ code: "unavailable" });
  });

  test("90 that somebody put in the cache's place are not used, not even where expired ones are", async () => {
    repository.publish('{"root":1}');
    await ask(tuf());
    repository.goDown();
    const cache = join(directory, "cache");
    const [name = ""] = await readdir(cache);
    const target = join(cache, name, "targets/trusted_root.json");
    for (const root of ['{"root":"of somebody else"}', '{"ro']) {
      await writeFile(target, root);
      expect(await ask(tuf({ expired: "use" }))).toMatchObject({ code: "unavailable" });
    }
    await writeFile(target, '{"root":1}');
    expect(await ask(tuf({ expired: "use" }))).toMatchObject({ json: '{"root":1}' });
  });

  test("are not waited for longer than the time limit, however slowly a mirror goes on answering", async () => {
    const dripping = createServer((_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    });
    await new Promise<void>((resolve) => dripping.listen(0, "127.0.0.1", resolve));
    const mirror = `http://127.0.0.1:${(dripping.address() as AddressInfo).port}`;
    expect(await ask(tuf({ mirror, timeoutMs: 200 }))).toMatchObject({ code: "unavailable" });
    dripping.closeAllConnections();
    dripping.close();
  });

  test("survive a cache that was cut off in the middle", async () => {
    repository.publish('{"root":1}');
    await ask(tuf());
    const cache = join(directory, "cache");
    const [name = ""] = await readdir(cache);
    for (const file of ["root.json", "timestamp.json", "snapshot.json", "targets/trusted_root.json"]) {
      await writeFile(join(cache, name, file), '{"signed":');
    }
    expect(await ask(tuf())).toMatchObject({ json: '{"root":1}' });
  });

  test("are answered where the cache cannot be written", async () => {
    repository.publish('{"root":1}');
    await mkdir(join(directory, "file"), { recursive: true });
    await writeFile(join(directory, "file", "cache"), "not a directory");
    const answer = await ask(tuf({ cacheDirectory: join(directory, "file", "cache") }));
    expect(answer).toMatchObject({
      json: '{"root":1}',
      notes: [expect.anything(), expect.stringContaining("could not be kept")],
    });
  });

  test("that cannot be worked on, because no temporary directory can be made, are unavailable and say so", async () => {
    vi.stubEnv("TMPDIR", join(directory, "missing"));
    const answer = await ask(tuf()).finally(() => vi.unstubAllEnvs());
    expect(answer).toEqual({
      code: "unavailable",
      message: expect.stringContaining("(TMPDIR names another)"),
    });
  });

  test.each([
    [{ mirror: "https://tuf.example" }, "needs its first `root.json`"],
    [{ mirror: "nonsense" }, "is no address"],
    [{ mirror: "https://me@tuf.example", root: "{}" }, "cannot be asked with a user"],
    [{ mirror: "https://:secret@tuf.example", root: "{}" }, "cannot be asked with a user"],
    [{ target: "../../etc/passwd" }, "is no name of a target"],
  ])("%j is misuse", (options, message) => {
    expect(() => tufTrust(options)).toThrow(message);
  });

  test("an aborted signal ends the waiting", async () => {
    const source = tuf();
    const lookup = { kind: "trustRoot", name: "public-good" } as const;
    await expect(source.fetch(lookup, { signal: AbortSignal.abort(new Error("too late")) })).rejects.toThrow(
      "too late",
    );
  });

  function change(name: string, from: string, to: string): void {
    const text = Buffer.from(repository.files.get(name) ?? []).toString("utf8");
    repository.files.set(name, Buffer.from(text.replace(from, to)));
  }
});

/** Repeats what a refresh in the background must bring about. */
function soon(assertion: () => Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { timeout: 30_000, interval: 10 });
}
