import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { derChildren, readDer } from "../encoding/der.ts";
import { parsePem } from "../encoding/pem.ts";
import { certificateReader } from "../evidence/evidence-signature.ts";
import { Refusal } from "../refusal.ts";
import { parseCertificate } from "./certificate.ts";

const chain = new URL("../../../conformance/cases/fixtures/trust/fulcio-chain.pem", import.meta.url);

function wrap(tag: number, contents: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(contents.length);
  const digits = length.subarray(length.findIndex((byte) => byte !== 0));
  const head = contents.length < 0x80 ? [contents.length] : [0x80 | digits.length, ...digits];
  return Buffer.concat([Buffer.from([tag, ...head]), contents]);
}

/** The certificate with one more extension that nobody needs; its signature no longer fits. */
function padded(der: Buffer, size: number): Buffer {
  const [tbs, ...signature] = derChildren(readDer(der, "it"), "it");
  const fields = tbs === undefined ? [] : derChildren(tbs, "it");
  const extension = wrap(
    0x30,
    Buffer.concat([Buffer.from("0603550301", "hex"), wrap(0x04, Buffer.alloc(size))]),
  );
  const changed = fields.map((field) => {
    if (field.tag !== 0xa3) return field.raw;
    const list = readDer(field.contents, "it").contents;
    return wrap(0xa3, wrap(0x30, Buffer.concat([list, extension])));
  });
  return wrap(0x30, Buffer.concat([wrap(0x30, Buffer.concat(changed)), ...signature.map(({ raw }) => raw)]));
}

function leaf(): Buffer {
  const pem = parsePem(readFileSync(chain, "utf8"), 4);
  return "blocks" in pem ? (pem.blocks[0]?.der ?? Buffer.alloc(0)) : Buffer.alloc(0);
}

test("a certificate may be large, but not without end", () => {
  const der = leaf();
  expect(parseCertificate(padded(der, 1000)).isCa).toBe(true);
  expect(() => parseCertificate(padded(der, 100_000))).toThrow(Refusal);
  expect(() => parseCertificate(padded(der, 100_000))).toThrow(/larger than 65536 bytes/);
});

test("certificates are remembered up to so many bytes, not so many large ones", () => {
  const der = leaf();
  const read = certificateReader();
  const first = read(der);
  for (let i = 1; i <= 100; i++) read(padded(der, i));
  expect(read(Buffer.from(der))).toBe(first);
  // Ten of 60,000 bytes are fewer than those hundred, and more than all that is kept.
  for (let i = 1; i <= 10; i++) read(padded(der, 60_000 + i));
  expect(read(Buffer.from(der))).not.toBe(first);
  expect(read(Buffer.from(der)).fingerprint).toBe(first.fingerprint);
});
