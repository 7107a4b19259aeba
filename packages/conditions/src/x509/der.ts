import { Buffer } from "node:buffer";
import { ConditionError } from "../condition-error.ts";
import { exceeded } from "../limits.ts";

/** One element of DER: a tag and the bytes of its content. */
export interface Der {
  /** The identifier byte: 0x30 is a sequence, 0xa0 the first context-specific constructed tag. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly raw: Uint8Array;
}

/** Elements in a row that are read one after the other. As in Go, what nobody reads may be anything. */
export interface DerReader {
  readonly bytes: Uint8Array;
  at: number;
}

/** A string of bits: its bytes, and how many bits of the last one are none of it. */
export interface Bits {
  readonly bytes: Uint8Array;
  readonly padding: number;
}

const MAX_ELEMENTS = 10_000;

/** An error of code `badText`. */
export function malformed(what: string): ConditionError {
  return new ConditionError(`the certificate is malformed: ${what}`, { code: "badText" });
}

/** A reader at the start of a row. */
export function readerOf(bytes: Uint8Array): DerReader {
  return { bytes, at: 0 };
}

/** Whether all of a row was read. */
export function isDone({ bytes, at }: DerReader): boolean {
  return at >= bytes.length;
}

/** The next element. Throws `badText` when its length does not fit; long forms of short lengths are refused. */
export function readAny(reader: DerReader): Der {
  const { bytes, at } = reader;
  const tag = bytes[at] ?? 0x1f;
  if ((tag & 0x1f) === 0x1f) throw malformed("no tag, or a long one");
  const { length, size } = readLength(bytes, at + 1);
  const start = at + 1 + size;
  if (start + length > bytes.length) throw malformed("element ends behind its parent");
  reader.at = start + length;
  return { tag, content: bytes.subarray(start, reader.at), raw: bytes.subarray(at, reader.at) };
}

function readLength(bytes: Uint8Array, at: number): { length: number; size: number } {
  const first = bytes[at];
  if (first === undefined) throw malformed("no length");
  if (first < 0x80) return { length: first, size: 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + count >= bytes.length) throw malformed("length");
  let length = 0;
  for (let index = 1; index <= count; index++) length = length * 256 + (bytes[at + index] ?? 0);
  if (length < 0x80 || bytes[at + 1] === 0) throw malformed("length is not minimal");
  return { length, size: 1 + count };
}

/** The content of the next element. Throws when there is none, or it has another tag. */
export function read(reader: DerReader, tag: number, what: string): Uint8Array {
  return readElement(reader, tag, what).content;
}

/** The same, with its tag and length. */
export function readElement(reader: DerReader, tag: number, what: string): Der {
  if (!isNext(reader, tag)) throw malformed(what);
  return readAny(reader);
}

/** The next element's content when it has that tag. */
export function readOptional(reader: DerReader, tag: number): Uint8Array | undefined {
  return isNext(reader, tag) ? readAny(reader).content : undefined;
}

/** Whether the next element has that tag. */
export function isNext({ bytes, at }: DerReader, tag: number): boolean {
  return bytes[at] === tag;
}

/** All elements of a row. */
export function children(bytes: Uint8Array): readonly Der[] {
  const reader = readerOf(bytes);
  const elements: Der[] = [];
  while (!isDone(reader)) {
    elements.push(readAny(reader));
    if (elements.length > MAX_ELEMENTS)
      throw exceeded(`the certificate has more than ${MAX_ELEMENTS} elements in a row`);
  }
  return elements;
}

/** The elements of a row, all of which must have that tag. */
export function childrenOf(bytes: Uint8Array, tag: number, what: string): readonly Der[] {
  const elements = children(bytes);
  if (!elements.every((element) => element.tag === tag)) throw malformed(what);
  return elements;
}

/** The one element that the bytes hold. */
export function onlyElement(bytes: Uint8Array, tag: number, what: string): Der {
  const reader = readerOf(bytes);
  const element = readElement(reader, tag, what);
  if (!isDone(reader)) throw malformed(`${what}, and more behind it`);
  return element;
}

/** The numbers of an identifier, each below 2^31. Throws when one is not written in as few bytes as it needs. */
export function objectIdentifier(content: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw malformed("object identifier is not minimal");
    value = value * 128 + (byte & 0x7f);
    if (value > 0x7fffffff) throw malformed("object identifier");
    fresh = byte < 0x80;
    if (!fresh) continue;
    numbers.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = numbers;
  if (numbers.length === 0 || !fresh) throw malformed("object identifier");
  return first < 80 ? [Math.floor(first / 40), first % 40, ...rest] : [2, first - 80, ...rest];
}

/** The numbers of the next element, which must be an identifier. */
export function readIdentifier(reader: DerReader): readonly number[] {
  return objectIdentifier(read(reader, 0x06, "object identifier"));
}

/** A two's complement integer in as few bytes as it needs. */
export function integer(content: Uint8Array): bigint {
  const [first, second = 0] = content;
  if (first === undefined) throw malformed("integer");
  const spare = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (spare) throw malformed("integer is not minimal");
  const value = BigInt(`0x${Buffer.from(content).toString("hex")}`);
  return first >= 0x80 ? value - (1n << BigInt(content.length * 8)) : value;
}

/** An integer that fits in an int64, as a float64. */
export function smallInteger(content: Uint8Array): number {
  if (content.length > 8) throw malformed("integer is too large");
  return Number(integer(content));
}

/** One byte: 0 or 255. */
export function boolean(content: Uint8Array): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed("boolean");
  return content[0] === 0xff;
}

/** The content of a bit string. Throws when its padding is not of zeros. */
export function bits(content: Uint8Array): Bits {
  const [padding = 8] = content;
  const bytes = content.subarray(1);
  const last = bytes.at(-1) ?? 0;
  if (padding > 7 || (bytes.length === 0 && padding > 0) || (last & ((1 << padding) - 1)) !== 0) {
    throw malformed("bit string");
  }
  return { bytes, padding };
}

/** The bits moved to the end, so that the padding is at the start. */
export function rightAligned({ bytes, padding }: Bits): Uint8Array {
  if (padding === 0) return bytes;
  return bytes.map((byte, at) => (((bytes[at - 1] ?? 0) << (8 - padding)) | (byte >> padding)) & 0xff);
}
