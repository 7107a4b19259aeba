import { ConditionError } from "./condition-error.ts";

/** One element of DER: a tag and the bytes of its content. */
export interface Der {
  /** The identifier byte: 0x30 is a sequence, 0xa0 the first context-specific constructed tag. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly raw: Uint8Array;
}

const MAX_ELEMENTS = 10_000;

export function malformed(what: string): ConditionError {
  return new ConditionError(`the certificate is malformed: ${what}`, { code: "badText" });
}

/** The one element that the bytes hold. Throws `badText`. */
export function readDer(bytes: Uint8Array): Der {
  const [element, ...rest] = children(bytes);
  if (element === undefined || rest.length > 0) throw malformed("not one element");
  return element;
}

/** The elements that stand in a row. Throws `badText` when lengths do not fit; long forms of short lengths are refused. */
export function children(bytes: Uint8Array): readonly Der[] {
  const elements: Der[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw malformed("long tag");
    const { length, size } = readLength(bytes, at + 1);
    const start = at + 1 + size;
    if (start + length > bytes.length) throw malformed("element ends behind its parent");
    elements.push({
      tag,
      content: bytes.subarray(start, start + length),
      raw: bytes.subarray(at, start + length),
    });
    if (elements.length > MAX_ELEMENTS) throw malformed("too many elements");
    at = start + length;
  }
  return elements;
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

/** The element at an index of a row. Throws when it is missing or has another tag. */
export function child(row: readonly Der[], index: number, tag: number): Der {
  const element = row[index];
  if (element === undefined || element.tag !== tag) throw malformed(`element ${index}`);
  return element;
}

export function objectIdentifier(content: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (value > 0x7fffffff) throw malformed("object identifier");
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  if (numbers.length === 0 || (content.at(-1) ?? 0) >= 0x80) throw malformed("object identifier");
  return first < 80 ? [Math.floor(first / 40), first % 40, ...rest] : [2, first - 80, ...rest];
}

/** A two's complement integer. */
export function integer(content: Uint8Array): bigint {
  if (content.length === 0) throw malformed("integer");
  let value = 0n;
  for (const byte of content) value = value * 256n + BigInt(byte);
  return (content[0] ?? 0) >= 0x80 ? value - (1n << BigInt(content.length * 8)) : value;
}

/** Text of any of ASN.1's string types. */
export function text({ tag, content }: Der): string {
  if (tag === 0x1e) {
    return Array.from({ length: content.length >> 1 }, (_, at) =>
      String.fromCharCode((content[at * 2] ?? 0) * 256 + (content[at * 2 + 1] ?? 0)),
    ).join("");
  }
  return new TextDecoder().decode(content);
}
