import { createHash } from "node:crypto";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, parseDigest } from "@assay/image";
import {
  type BytesCache,
  diskCache,
  layeredCache,
  memoryCache,
  type RedisClient,
  redisCache,
} from "@assay/sources/cache";
import { registrySource } from "@assay/sources/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry } from "./fixtures.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-cache-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const digestOf = (bytes: Uint8Array): Digest =>
  parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
const documents = Array.from({ length: 20 }, (_, i) => new Uint8Array(1000).fill(i));

async function put(cache: BytesCache, bytes: Uint8Array): Promise<Digest> {
  await cache.set(digestOf(bytes), bytes);
  return digestOf(bytes);
}

const isKept = async (cache: BytesCache, bytes: Uint8Array) =>
  (await cache.get(digestOf(bytes))) !== undefined;

/** As a user who owns nothing, where we are root: root may write everywhere. */
async function asAnother(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

/** A Redis in memory with the client's two commands. */
function fakeRedis() {
  const kept = new Map<string, Buffer>();
  const calls: string[] = [];
  let down = false;
  const client: RedisClient = {
    getBuffer: async (key) => {
      calls.push(`get ${key}`);
      if (down) throw new Error("connection lost");
      return kept.get(key) ?? null;
    },
    set: async (key, value) => {
      calls.push(`set ${key}`);
      if (down) throw new Error("connection lost");
      kept.set(key, Buffer.from(value));
    },
  };
  return { client, kept, calls, goDown: () => (down = true), comeBack: () => (down = false) };
}

describe.each<[string, () => BytesCache]>([
  ["memory", () => memoryCache()],
  ["disk", () => diskCache({ directory })],
  ["redis", () => redisCache(fakeRedis().client)],
  ["memory before disk", () => layeredCache(memoryCache(), diskCache({ directory }))],
])("a cache (%s)", (_, create) => {
  test("gives back what was put in, and nothing else", async () => {
    const cache = create();
    const [one = new Uint8Array(), other = new Uint8Array()] = documents;
    const digest = await put(cache, one);
    expect(Buffer.from((await cache.get(digest)) ?? []).equals(one)).toBe(true);
    expect(await cache.get(digestOf(other))).toBeUndefined();
  });

  test("serves a registry source: the second look asks for tags alone", async () => {
    const registry = await fixtureRegistry("referrers", { host: "r.example" });
    const source = registrySource({ fetch: registry.fetch, cache: create() });
    const digest = await digestAt(source, "r.example/acme/key-att3:v1");
    const lookup = { kind: "attestationTag", repository: "r.example/acme/key-att3", digest } as const;
    const [first, second] = [await ask(source, lookup), await ask(source, lookup)];
    expect([first.requests, second.requests]).toEqual([4, 1]);
  });
});

describe("memory", () => {
  test("holds no more bytes than it may, and drops what was used least", async () => {
    const cache = memoryCache({ maxBytes: 6000 });
    for (const document of documents) await put(cache, document);
    const kept = await Promise.all(documents.map((document) => isKept(cache, document)));
    expect(kept.filter(Boolean)).toHaveLength(5);
    expect(kept.at(-1)).toBe(true);
  });

  test("does not let one huge document push out all others", async () => {
    const cache = memoryCache({ maxBytes: 6000 });
    const [small = new Uint8Array()] = documents;
    await put(cache, small);
    await put(cache, new Uint8Array(5000));
    expect(await isKept(cache, small)).toBe(true);
  });
});

describe("disk", () => {
  const fileOf = (digest: Digest) => join(directory, "sha256", digest.slice(7, 9), digest.slice(7));

  const filesKept = async () => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile());
  };

  test("is there for the next process", async () => {
    const [document = new Uint8Array()] = documents;
    await put(diskCache({ directory }), document);
    expect(await isKept(diskCache({ directory }), document)).toBe(true);
  });

  test.each<[string, (path: string) => Promise<void>]>([
    ["cut off", (path) => truncate(path, 10)],
    ["changed", (path) => writeFile(path, "something else")],
    ["empty", (path) => writeFile(path, "")],
  ])("does not give back a file that was %s, and removes it", async (_, spoil) => {
    const cache = diskCache({ directory });
    const digest = await put(cache, documents[0] ?? new Uint8Array());
    await spoil(fileOf(digest));
    expect(await cache.get(digest)).toBeUndefined();
    await expect(stat(fileOf(digest))).rejects.toThrow("ENOENT");
  });

  test("written by many at a time is whole", async () => {
    const caches = Array.from({ length: 8 }, () => diskCache({ directory }));
    await Promise.all(caches.flatMap((cache) => documents.map((document) => put(cache, document))));
    const files = await filesKept();
    expect(files).toHaveLength(documents.length);
    for (const file of files) {
      expect(digestOf(await readFile(join(file.parentPath, file.name)))).toBe(`sha256:${file.name}`);
    }
  });

  test("stays below its limit, the least recently used go first", async () => {
    const filling = diskCache({ directory });
    for (const [age, document] of documents.entries()) {
      const digest = await put(filling, document);
      await utimes(fileOf(digest), 1000 + age, 1000 + age);
    }
    const [first = new Uint8Array()] = documents;
    expect(await isKept(filling, first)).toBe(true);
    await put(diskCache({ directory, maxBytes: 5000 }), new Uint8Array(1000).fill(99));
    // Counted, since a document that is asked for counts as used.
    await expect.poll(filesKept).toHaveLength(5);
    const kept = await Promise.all(documents.map((document) => isKept(filling, document)));
    expect(kept.filter(Boolean)).toHaveLength(4);
    expect(kept[0]).toBe(true);
  });

  test("never removes what it did not make: the directory may be somebody's home", async () => {
    const foreign = ["letter.txt", "sha256/letter.txt", "f".repeat(64)].map((name) => join(directory, name));
    await mkdir(join(directory, "sha256"));
    for (const path of foreign) await writeFile(path, "x".repeat(5000));
    const [old = new Uint8Array(), other = new Uint8Array()] = documents;
    const digest = await put(diskCache({ directory }), old);
    await utimes(fileOf(digest), 1000, 1000);
    await put(diskCache({ directory, maxBytes: 1500 }), other);
    await expect.poll(() => isKept(diskCache({ directory }), old)).toBe(false);
    for (const path of foreign) expect((await stat(path)).size).toBe(5000);
  });

  test("that cannot be written is passed by, and says so", async () => {
    await writeFile(join(directory, "file"), "");
    const troubles: string[] = [];
    const onTrouble = ({ message }: Error) => void troubles.push(message);
    const cache = diskCache({ directory: join(directory, "file"), onTrouble });
    for (const document of documents) {
      const digest = await put(cache, document);
      expect(await cache.get(digest)).toBeUndefined();
    }
    // Once that it cannot be written, and once that it cannot be read: then it is left alone.
    expect(troubles).toHaveLength(2);
    expect(troubles.every((message) => message.startsWith("ENOTDIR"))).toBe(true);
  });

  describe("that another user may only read", () => {
    const setModes = async (directories: number, files: number) => {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true });
      for (const entry of entries) {
        await chmod(join(entry.parentPath, entry.name), entry.isFile() ? files : directories);
      }
      await chmod(directory, directories);
    };
    beforeEach(async () => {
      for (const document of documents) {
        // Used so long ago that its time would be renewed.
        const file = fileOf(await put(diskCache({ directory }), document));
        await utimes(file, 1000, 1000);
      }
      await setModes(0o555, 0o444);
    });
    afterEach(() => setModes(0o755, 0o644));

    test("is read, is not written, and says so", async () => {
      await asAnother(async () => {
        const troubles: string[] = [];
        const onTrouble = ({ message }: Error) => void troubles.push(message);
        const cache = diskCache({ directory, onTrouble });
        const more = new Uint8Array(1000).fill(99);
        expect(await isKept(cache, documents[0] ?? more)).toBe(true);
        await put(cache, more);
        expect(await isKept(cache, more)).toBe(false);
        for (const document of documents) expect(await isKept(cache, document)).toBe(true);
        expect(troubles).toEqual([expect.stringMatching(/^E(?:ACCES|PERM)/)]);
      });
      expect(await filesKept()).toHaveLength(documents.length);
    });

    test("does not give back what is damaged there, though it cannot be removed", async () => {
      const [document = new Uint8Array()] = documents;
      const file = fileOf(digestOf(document));
      await chmod(file, 0o644);
      await writeFile(file, "damaged");
      await asAnother(async () => expect(await isKept(diskCache({ directory }), document)).toBe(false));
      expect(await readFile(file, "utf8")).toBe("damaged");
    });
  });

  test("that is slow is not waited for", async () => {
    const troubles: string[] = [];
    const onTrouble = ({ message }: Error) => void troubles.push(message);
    const large = new Uint8Array(64 * 1024 * 1024);
    await put(diskCache({ directory, timeoutMs: 1, onTrouble }), large);
    expect(troubles).toEqual(["no answer within 1 ms"]);
    // What was begun is finished all the same.
    await expect.poll(() => isKept(diskCache({ directory }), large)).toBe(true);
  });
});

describe("redis", () => {
  test("holds nothing but bytes under their digest", async () => {
    const redis = fakeRedis();
    const digest = await put(redisCache(redis.client), documents[0] ?? new Uint8Array());
    expect([...redis.kept.keys()]).toEqual([`assay:bytes:${digest}`]);
  });

  test("that is down is passed by, and left alone for a while", async () => {
    const redis = fakeRedis();
    let now = 0;
    const troubles: string[] = [];
    const onTrouble = ({ message }: Error) => void troubles.push(message);
    const cache = redisCache(redis.client, { now: () => now, onTrouble });
    const [document = new Uint8Array()] = documents;
    redis.goDown();
    for (const _ of [1, 2, 3]) expect(await cache.get(digestOf(document))).toBeUndefined();
    expect(redis.calls).toHaveLength(1);
    expect(troubles).toEqual(["connection lost"]);
    redis.comeBack();
    now += 5000;
    await put(cache, document);
    expect(await isKept(cache, document)).toBe(true);
  });

  test("that never answers is not waited for", async () => {
    const client: RedisClient = {
      getBuffer: () => new Promise(() => undefined),
      set: () => new Promise(() => undefined),
    };
    const cache = redisCache(client, { timeoutMs: 5 });
    expect(await isKept(cache, documents[0] ?? new Uint8Array())).toBe(false);
  });

  test("gets no huge documents", async () => {
    const redis = fakeRedis();
    await put(redisCache(redis.client, { maxEntryBytes: 500 }), documents[0] ?? new Uint8Array());
    expect(redis.calls).toEqual([]);
  });

  test("that somebody else wrote to changes nothing: what it has is hashed", async () => {
    const redis = fakeRedis();
    const near = memoryCache();
    const [document = new Uint8Array()] = documents;
    redis.kept.set(`assay:bytes:${digestOf(document)}`, Buffer.from("evil"));
    const cache = layeredCache(near, redisCache(redis.client));
    expect(await cache.get(digestOf(document))).toBeUndefined();
    expect(await near.get(digestOf(document))).toBeUndefined();
  });
});
