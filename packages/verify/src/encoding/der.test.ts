import { describe, expect, test } from "vitest";
import { Refusal } from "../refusal.ts";
import { decodeBase64 } from "./base64.ts";
import { derChildren, readBoolean, readDer, readOid, readSmallInteger, readTime } from "./der.ts";
import { parsePem } from "./pem.ts";

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replace(/ /g, ""), "hex");
}

describe("DER", () => {
  test("an element is a view of its bytes", () => {
    const element = readDer(bytes("30 06 02 01 05 04 01 ff"), "it");
    expect(derChildren(element, "it").map(({ tag, contents }) => [tag, contents.toString("hex")])).toEqual([
      [2, "05"],
      [4, "ff"],
    ]);
  });

  test.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["contents that are not there", "30 05 02 01"],
    ["bytes after the end", "30 00 00"],
    ["a length in more bytes than it needs", "30 81 01 00"],
    ["a length with leading zeros", "30 82 00 80 ".padEnd(12 + 2 * 128, "0")],
    ["an indefinite length", "30 80 00 00"],
    ["a length of five bytes", "30 85 00 00 00 00 01 00"],
    ["a tag of several bytes", "3f 81 00 00"],
  ])("refuses %s", (_, hex) => {
    expect(() => readDer(bytes(hex), "it")).toThrow(Refusal);
  });

  test.each([
    ["06 03 55 1d 11", "2.5.29.17"],
    ["06 0a 2b 06 01 04 01 83 bf 30 01 08", "1.3.6.1.4.1.57264.1.8"],
    ["06 09 2a 86 48 86 f7 0d 01 01 0b", "1.2.840.113549.1.1.11"],
    ["06 01 7f", "2.47"],
  ])("object identifier %s", (hex, oid) => {
    expect(readOid(readDer(bytes(hex), "it"), "it")).toBe(oid);
  });

  test.each([
    ["with padding", "06 04 55 80 1d 11"],
    ["that is cut off", "06 02 55 9d"],
    ["that is empty", "06 00"],
    ["whose arc would be cut down to a known one", "06 0c 2b 06 01 84 80 80 80 80 80 80 80 04"],
    ["of another type", "02 01 05"],
  ])("refuses an object identifier %s", (_, hex) => {
    expect(() => readOid(readDer(bytes(hex), "it"), "it")).toThrow(Refusal);
  });

  test("booleans have two spellings, numbers are small and positive", () => {
    expect([
      readBoolean(readDer(bytes("0101ff"), "it"), "it"),
      readBoolean(readDer(bytes("010100"), "it"), "it"),
    ]).toEqual([true, false]);
    expect(() => readBoolean(readDer(bytes("010101"), "it"), "it")).toThrow(Refusal);
    expect(readSmallInteger(readDer(bytes("02020100"), "it"), "it")).toBe(256);
    for (const hex of ["020180", "0200", "02050100000000"]) {
      expect(() => readSmallInteger(readDer(bytes(hex), "it"), "it")).toThrow(Refusal);
    }
  });

  const time = (tag: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)]);

  test.each([
    [0x17, "260115120000Z", "2026-01-15T12:00:00.000Z"],
    [0x17, "490101000000Z", "2049-01-01T00:00:00.000Z"],
    [0x17, "500101000000Z", "1950-01-01T00:00:00.000Z"],
    [0x18, "20260115120000Z", "2026-01-15T12:00:00.000Z"],
    [0x18, "20260115120000.1Z", "2026-01-15T12:00:00.100Z"],
    [0x18, "20260115120000.123456Z", "2026-01-15T12:00:00.123Z"],
  ])("time %i %s", (tag, text, iso) => {
    expect(readTime(readDer(time(tag, text), "it"), "it", true).toISOString()).toBe(iso);
  });

  test.each([
    [0x17, "260115120000+0100"],
    [0x17, "2601151200Z"],
    [0x17, "260231120000Z"],
    [0x17, "261315120000Z"],
    [0x17, "260115250000Z"],
    [0x18, "20260115120000"],
    [0x18, "20260115120000.1Z"],
    [0x0c, "260115120000Z"],
  ])("refuses time %i %s", (tag, text) => {
    expect(() => readTime(readDer(time(tag, text), "it"), "it")).toThrow(Refusal);
  });
});

describe("base64", () => {
  test.each(["", "AA==", "AAA=", "AAAA", "+/+/"])("%s", (text) => {
    expect(decodeBase64(text, "it").toString("base64")).toBe(text);
  });

  test.each([
    "AA",
    "AAA",
    "AA=",
    "A===",
    "AA==AA==",
    "AB==",
    "AAB=",
    "-_-_",
    "AA AA==",
    "AAAA\n",
    "A=AA",
    "\u0141AAA",
  ])("refuses %j", (text) => {
    expect(() => decodeBase64(text, "it")).toThrow(Refusal);
  });
});

describe("PEM", () => {
  const block = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";

  test("several blocks, comments and indentation", () => {
    const text = `# the first\n${block}\n${block.replace(/^/gm, "    ")}`;
    expect(parsePem(text, 4)).toEqual({
      blocks: [
        { label: "PUBLIC KEY", der: Buffer.alloc(3) },
        { label: "PUBLIC KEY", der: Buffer.alloc(3) },
      ],
    });
  });

  test.each([
    ["", "holds no PEM block"],
    ["AAAA", "has text outside its PEM blocks (`AAAA`)"],
    [`${block}rest`, "has text outside its PEM blocks (`rest`)"],
    [`x\n${block}`, "has text outside its PEM blocks (`x`)"],
    [block.replace("END PUBLIC", "END PRIVATE"), "has a PEM block that is not well-formed"],
    [block.replace("AAAA", "AAA"), "has a PEM block that is not canonical base64"],
    [block.replace("AAAA", "A*AA"), "has a PEM block that is not well-formed"],
    [block.replace("AAAA\n", ""), "has a PEM block that is not well-formed"],
    [block.slice(0, -10), "has a PEM block that is not well-formed"],
    [block.repeat(3), "has more than 2 PEM blocks"],
  ])("refuses %j", (text, problem) => {
    expect(parsePem(text, 2)).toEqual({ problem });
  });
});
