import { AsnConvert } from "@peculiar/asn1-schema";

/** One DER value: `tag` and its contents, lengths filled in. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content]));
}

/** The tags that are used here. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  utf8String: 0x0c,
  ia5String: 0x16,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

/** The bytes as an ArrayBuffer of their own, as the ASN.1 schema classes want them. */
export function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** An ASN.1 schema value in DER. */
export function encode(value: unknown): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(value));
}
