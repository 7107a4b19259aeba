import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseDigest, parseImageReference } from "@assay/image";
import { diskCache } from "@assay/sources/cache";
import { layoutSource, layoutTrust } from "@assay/sources/layout";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "./fixtures.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const refName = "org.opencontainers.image.ref.name";
const block = 512;

let directory: string;
let count = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-layout-"));
});
afterAll(() => rm(directory, { recursive: true }));
const fresh = (name: string): string => join(directory, `${count++}-${name}`);

interface Blob {
  readonly text: string;
  readonly digest: string;
  readonly name: string;
}

function blob(content: object): Blob {
  const text = JSON.stringify(content);
  const hex = createHash("sha256").update(text).digest("hex");
  return { text, digest: `sha256:${hex}`, name: `blobs/sha256/${hex}` };
}

/** An image that says of itself which one it is. */
const imageOf = (which: string): Blob =>
  blob({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { digest: `sha256:${"0".repeat(64)}`, size: 2 },
    layers: [],
    annotations: { which },
  });
const good = imageOf("good");
const evil = imageOf("evil");

function entry({ digest, text }: Blob, annotations: Readonly<Record<string, string>> = { [refName]: "v1" }) {
  return { mediaType: manifestType, digest, size: text.length, annotations };
}

const indexOf = (manifests: readonly object[]): string => JSON.stringify({ schemaVersion: 2, manifests });
const index = (...manifests: readonly object[]): string => indexOf(manifests);

type Files = readonly (readonly [string, string])[];
const plainLayout: Files = [
  ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
  [good.name, good.text],
  [evil.name, evil.text],
  ["index.json", index(entry(good))],
];

async function layoutDirectory(files: Files): Promise<string> {
  const path = fresh("layout");
  for (const [name, text] of files) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

/** A tar header: type and size as they are, whether or not they make sense. */
function header(name: string, size: number, type = "0", link = "", rawSize?: Buffer): Buffer {
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0, 100);
  bytes.write("0000644\0", 100);
  bytes.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  rawSize?.copy(bytes, 124);
  bytes.write("00000000000\0", 136);
  bytes.write(type, 156);
  bytes.write(link, 157, 100);
  bytes.write("ustar\x0000", 257);
  return summed(bytes);
}

/** With its checksum. */
function summed(bytes: Buffer): Buffer {
  bytes.write("        ", 148);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

/** The checksum of a header with one bit less. */
function wrongSum(bytes: Buffer): Buffer {
  bytes.write("000001", 148);
  return bytes;
}

/** As `member`, changed in its header. */
function changed(name: string, text: string, change: (header: Buffer) => void): Buffer {
  const bytes = member(name, text);
  change(bytes.subarray(0, block));
  summed(bytes.subarray(0, block));
  return bytes;
}

/** Without magic and type; where ustar has the beginning of a name stands anything. */
function header7(name: string, text: string): Buffer {
  return changed(name, text, (bytes) => {
    bytes.fill(0, 257, 265);
    bytes.write("anything", 345);
    bytes.fill(0, 156, 157);
  });
}

/** Its name begins in the header's other field. */
function twoParts(prefix: string, name: string, text: string): Buffer {
  return changed(name, text, (bytes) => void bytes.write(prefix, 345));
}

function member(name: string, text: string, type = "0"): Buffer {
  const padding = Buffer.alloc((block - (Buffer.byteLength(text) % block)) % block);
  return Buffer.concat([header(name, Buffer.byteLength(text), type), Buffer.from(text), padding]);
}

/** `<length> key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  const length = [1, 2, 3]
    .map((digits) => rest + digits)
    .find((total) => String(total).length + rest === total);
  return `${length} ${key}=${value}\n`;
}

const members = (files: Files): readonly Buffer[] => files.map(([name, text]) => member(name, text));

async function layoutTar(...parts: readonly Buffer[]): Promise<string> {
  const path = fresh("layout.tar");
  await writeFile(path, Buffer.concat([...parts, Buffer.alloc(2 * block)]));
  return path;
}

/** Which image a layout has under a reference, or why it has none. */
async function imageAt(path: string, reference = "r.example/app:v1"): Promise<string> {
  const image = parseImageReference(reference);
  const answer = await ask<"digest">(layoutSource(path), { kind: "digest", image });
  if (!answer.ok) return answer.failure.code;
  return answer.value.digest === good.digest ? "good" : "evil";
}

describe("a tar file of a layout is read as every other reader would, or refused", () => {
  const [marker, goodBlob, evilBlob, goodIndex] = members(plainLayout) as [Buffer, Buffer, Buffer, Buffer];
  const blobs = Buffer.concat([marker, goodBlob, evilBlob]);
  const evilIndex = member("index.json", index(entry(evil)));
  const paxFor = (...records: readonly string[]): Buffer => member("pax", records.join(""), "x");

  test.each<[string, readonly Buffer[], string]>([
    ["as it is written by everybody", [blobs, goodIndex], "good"],
    ["as it was written before there was ustar", [blobs, header7("index.json", index(entry(good)))], "good"],
    [
      "with a name in two parts",
      [marker, twoParts("blobs/sha256", good.name.slice(13), good.text), goodIndex],
      "good",
    ],
    ["with directories", [blobs, header("blobs/sha256/", 0, "5"), goodIndex], "good"],
    ["with names that begin with ./", [blobs, member("./index.json", index(entry(good)))], "good"],
    [
      "with a name by pax",
      [blobs, paxFor(paxRecord("path", "index.json")), member("x", index(entry(good)))],
      "good",
    ],
    [
      "with a name by GNU",
      [blobs, member("././@LongLink", "index.json\0", "L"), member("x", index(entry(good)))],
      "good",
    ],
    ["with a comment for all", [member("g", paxRecord("comment", "by git"), "g"), blobs, goodIndex], "good"],
    ["with one blob twice", [blobs, goodBlob, goodIndex], "good"],
    ["with a second index", [blobs, goodIndex, evilIndex], "unavailable"],
    ["with a second index of the same words", [blobs, goodIndex, goodIndex], "unavailable"],
    [
      "with a second index by another spelling",
      [blobs, goodIndex, member("/./index.json", index(entry(evil)))],
      "unavailable",
    ],
    [
      "with a second index that is a sparse file, which has its name by pax",
      [
        blobs,
        goodIndex,
        paxFor(paxRecord("GNU.sparse.major", "1"), paxRecord("GNU.sparse.name", "index.json")),
        member("other.json", `1\n0\n4\n${"\0".repeat(506)}${index(entry(evil))}`),
      ],
      "unavailable",
    ],
    [
      "with a second index in what a header with a wrong checksum calls its contents",
      [blobs, goodIndex, wrongSum(header("other", evilIndex.length)), evilIndex],
      "unavailable",
    ],
    [
      "with a directory that has contents, which may be headers",
      [blobs, goodIndex, header("directory", evilIndex.length, "5"), evilIndex],
      "unavailable",
    ],
    [
      "with a size in bytes, as it is written of what is over 8 GiB",
      [blobs, goodIndex, header("other", 0, "0", "", Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]))],
      "unavailable",
    ],
    [
      "with a link in the index' place",
      [blobs, goodIndex, header("index.json", 0, "2", "evil.json")],
      "unavailable",
    ],
    [
      "with a link that has contents, which may be headers",
      [blobs, header("link", block, "1", "x"), evilIndex, goodIndex],
      "unavailable",
    ],
    [
      "with another size by pax",
      [blobs, paxFor(paxRecord("size", "0")), goodIndex, evilIndex],
      "unavailable",
    ],
    [
      "with a pax record inside another's value",
      [
        blobs,
        goodIndex,
        paxFor(paxRecord("comment", `x\n${paxRecord("path", "index.json").trimEnd()}`)),
        member("other.json", index(entry(evil))),
      ],
      "good",
    ],
    [
      "with a pax record that goes on behind its header",
      [blobs, paxFor("99 a=b\n"), goodIndex],
      "unavailable",
    ],
    ["with a pax record that ends in the middle", [blobs, paxFor("6 a=bc\n"), goodIndex], "unavailable"],
    ["with a pax record that has no name", [blobs, paxFor("5 =b\n"), goodIndex], "unavailable"],
    [
      "with a name of more than 64 KiB",
      [blobs, member("././@LongLink", "x".repeat(65_537), "L"), goodIndex, goodIndex],
      "unavailable",
    ],
    ["with pax records of no length", [blobs, paxFor("path=index.json\n"), goodIndex], "unavailable"],
    [
      "with one name for all",
      [member("g", paxRecord("path", "index.json"), "g"), blobs, goodIndex],
      "unavailable",
    ],
    ["with a name that leads out of it", [blobs, member("../index.json", index(entry(evil)))], "unavailable"],
    ["with a blob of other bytes", [marker, member(good.name, evil.text), goodIndex], "digestMismatch"],
    [
      "with a blob that is said to be larger than the file",
      [marker, goodIndex, header(good.name, 2 ** 21)],
      "digestMismatch",
    ],
    [
      "with a blob that is said to be larger than anything",
      [marker, goodIndex, header(good.name, 2 ** 32)],
      "tooLarge",
    ],
  ])("%s", async (_, parts, found) => {
    expect(await imageAt(await layoutTar(...parts))).toBe(found);
  });

  test("with a trust root twice: it is not trusted", async () => {
    const root = member("trusted_root.json", '{"mediaType":"x"}');
    expect(
      await layoutTrust(await layoutTar(blobs, goodIndex, root)).fetch(
        { kind: "trustRoot", name: "x" },
        { signal: new AbortController().signal },
      ),
    ).toMatchObject({ ok: true });
    expect(
      await layoutTrust(await layoutTar(blobs, goodIndex, root, root)).fetch(
        { kind: "trustRoot", name: "x" },
        { signal: new AbortController().signal },
      ),
    ).toMatchObject({ ok: false });
  });
});

describe("what a layout's index names", () => {
  test.each<[string, readonly object[], string, string]>([
    ["a tag", [entry(good)], "r.example/app:v1", "good"],
    ["another tag", [entry(good)], "r.example/app:v2", "imageNotFound"],
    ["a whole reference", [entry(good, { [refName]: "r.example/app:v1" })], "r.example/app:v1", "good"],
    [
      "another registry's",
      [entry(good, { [refName]: "r.example/app:v1" })],
      "other.example/app:v1",
      "imageNotFound",
    ],
    [
      "another repository's",
      [entry(good, { [refName]: "r.example/app:v1" })],
      "r.example/app2:v1",
      "imageNotFound",
    ],
    [
      "a registry with a port",
      [entry(good, { [refName]: "r.example:5000/app:v1" })],
      "r.example:5000/app:v1",
      "good",
    ],
    [
      "a reference by digest only",
      [entry(good, { [refName]: `r.example/app@${good.digest}` })],
      "r.example/app:v1",
      "imageNotFound",
    ],
    ["two images by one tag", [entry(good), entry(evil)], "r.example/app:v1", "unavailable"],
    [
      "two images by one tag in two spellings",
      [entry(good), entry(evil, { [refName]: "r.example/app:v1" })],
      "r.example/app:v1",
      "unavailable",
    ],
    ["one image twice", [entry(good), entry(good)], "r.example/app:v1", "good"],
  ])("%s", async (_, manifests, reference, found) => {
    const files = plainLayout.map(
      ([name, text]) => [name, name === "index.json" ? indexOf(manifests) : text] as const,
    );
    const seen = await imageAt(await layoutDirectory(files), reference);
    expect(seen === "notFound" ? "imageNotFound" : seen).toBe(found);
  });

  test("is sorted without going through it again for each entry", async () => {
    const subject = { mediaType: manifestType, digest: good.digest, size: 1 };
    const signature = blob({ schemaVersion: 2, config: subject, layers: [], subject });
    const reads = Array(150_000).fill(entry(signature));
    const files: Files = [
      ...plainLayout.slice(0, 3),
      [signature.name, signature.text],
      ["index.json", indexOf(reads)],
    ];
    const source = layoutSource(await layoutDirectory(files));
    const about = { repository: "r.example/app", digest: parseDigest(good.digest) };
    expect(await ask<"referrers">(source, { kind: "referrers", ...about })).toMatchObject({ ok: true });
  }, 20_000);
});

describe("a pipe in place of a file is not waited for", () => {
  const pipe = (path: string): string => {
    execFileSync("mkfifo", [path]);
    return path;
  };

  test("in a layout's directory", async () => {
    const path = await layoutDirectory(plainLayout.filter(([name]) => name !== good.name));
    pipe(join(path, good.name));
    expect(await imageAt(path)).toBe("unavailable");
  });

  test("behind a link in a layout's directory", async () => {
    const path = await layoutDirectory(plainLayout.filter(([name]) => name !== "index.json"));
    await symlink(pipe(fresh("pipe")), join(path, "index.json"));
    expect(await imageAt(path)).toBe("unavailable");
  });

  test("as a layout's tar file", async () => {
    expect(await imageAt(pipe(fresh("pipe.tar")))).toBe("unavailable");
  });

  test("in the cache on disk, nor is anything read there that is larger than the cache may be", async () => {
    const path = fresh("cache");
    const cache = diskCache({ directory: path, maxBytes: 1000 });
    const digest = parseDigest(good.digest);
    await cache.set(digest, Buffer.from(good.text));
    expect(await cache.get(digest)).toEqual(new Uint8Array(Buffer.from(good.text)));
    const file = join(path, "sha256", digest.slice(7, 9), digest.slice(7));
    await writeFile(file, Buffer.alloc(2000));
    expect(await cache.get(digest)).toBeUndefined();
    await rm(file, { force: true });
    pipe(file);
    expect(await cache.get(digest)).toBeUndefined();
  });
});
