import { refuse } from "../refusal.ts";

/**
 * One DER element (ITU-T X.690): a view into the bytes it was read from. Nothing is decoded twice and nothing is
 * re-encoded, so that what is hashed or compared is what was signed.
 */
export interface DerElement {
  readonly tag: number;
  /** Tag, length and contents. */
  readonly raw: Buffer;
  readonly contents: Buffer;
}

/** Identifier octets that are used here. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Reads one element that fills `bytes` to the last byte. */
export function readDer(bytes: Buffer, what: string): DerElement {
  const element = elementAt(bytes, 0, what);
  // guard: der-trailing
  if (element.raw.length !== bytes.length) refuse("malformed", `${what} has bytes after its end`);
  return element;
}

/** Reads the elements inside a constructed element. */
export function derChildren(element: DerElement, what: string, limit = 10_000): DerElement[] {
  const children: DerElement[] = [];
  for (let at = 0; at < element.contents.length; ) {
    const child = elementAt(element.contents, at, what);
    children.push(child);
    if (children.length > limit) refuse("tooMany", `${what} has more than ${limit} elements`);
    at += child.raw.length;
  }
  return children;
}

/** `readDer` and `derChildren` of a SEQUENCE. */
export function readSequence(bytes: Buffer, what: string): DerElement[] {
  const element = readDer(bytes, what);
  if (element.tag !== derTag.sequence) refuse("malformed", `${what} is not a sequence`);
  return derChildren(element, what);
}

/** The element if it has that tag; otherwise the evidence is malformed. */
export function expectTag(element: DerElement | undefined, tag: number, what: string): DerElement {
  if (element?.tag !== tag) return refuse("malformed", `${what} has another ASN.1 form`);
  return element;
}

function elementAt(bytes: Buffer, at: number, what: string): DerElement {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f)
    return refuse("malformed", `${what} is not DER`);
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const width = first & 0x7f;
    if (width === 0 || width > 4 || start + width > bytes.length) refuse("malformed", `${what} is not DER`);
    length = bytes.readUIntBE(start, width);
    start += width;
    // DER has one form for each length: the shortest.
    if (length < 0x80 || length < 2 ** (8 * (width - 1))) refuse("malformed", `${what} is not DER`);
  }
  const end = start + length;
  if (end > bytes.length) refuse("malformed", `${what} ends too early`);
  return { tag, raw: bytes.subarray(at, end), contents: bytes.subarray(start, end) };
}

/** Dotted decimal form of an OBJECT IDENTIFIER. */
export function readOid(element: DerElement | undefined, what: string): string {
  const { contents } = expectTag(element, derTag.objectIdentifier, what);
  if (contents.length === 0 || contents.length > 64 || ((contents.at(-1) ?? 0x80) & 0x80) !== 0) {
    refuse("malformed", `${what} has a bad object identifier`);
  }
  const arcs: number[] = [];
  let value = 0;
  let fresh = true;
  for (const byte of contents) {
    // No known arc needs more than 32 bits; a longer one must not be cut down to a known one.
    if ((fresh && byte === 0x80) || value > 2 ** 40)
      refuse("malformed", `${what} has a bad object identifier`);
    value = value * 128 + (byte & 0x7f);
    fresh = (byte & 0x80) === 0;
    if (!fresh) continue;
    arcs.push(value);
    value = 0;
  }
  const [head = 0, ...tail] = arcs;
  const first = Math.min(Math.floor(head / 40), 2);
  return [first, head - first * 40, ...tail].join(".");
}

/** A BOOLEAN; DER knows 0x00 and 0xff. */
export function readBoolean(element: DerElement | undefined, what: string): boolean {
  const { contents } = expectTag(element, derTag.boolean, what);
  const [byte] = contents;
  if (contents.length !== 1 || (byte !== 0 && byte !== 0xff))
    refuse("malformed", `${what} has a bad boolean`);
  return byte === 0xff;
}

/** A non-negative INTEGER that fits in 31 bits. */
export function readSmallInteger(element: DerElement | undefined, what: string): number {
  const { contents } = expectTag(element, derTag.integer, what);
  if (contents.length === 0 || contents.length > 4 || ((contents[0] ?? 0x80) & 0x80) !== 0) {
    refuse("malformed", `${what} has a number out of range`);
  }
  return contents.readUIntBE(0, contents.length);
}

/** UTCTime or GeneralizedTime in DER's form (`Z`, seconds); fractions of seconds where `fractions` is set. */
export function readTime(element: DerElement | undefined, what: string, fractions = false): Date {
  const text = element?.contents.toString("latin1") ?? "";
  const short = element?.tag === derTag.utcTime;
  if (!short && element?.tag !== derTag.generalizedTime) refuse("malformed", `${what} has a bad time`);
  const found = (short ? /^(\d\d)(\d{10})Z()$/ : /^(\d{4})(\d{10})(\.\d{1,9})?Z$/).exec(text);
  if (found === null || (found[3] && !fractions)) return refuse("malformed", `${what} has a bad time`);
  const [, head = "", rest = "", fraction = ""] = found;
  const year = short ? (Number(head) < 50 ? 2000 : 1900) + Number(head) : Number(head);
  const [month = "", day = "", hour = "", minute = "", second = ""] = rest.match(/\d\d/g) ?? [];
  const iso = `${String(year).padStart(4, "0")}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`;
  const time = new Date(iso);
  // `Date` rolls 31 February over into March: such a date was never written by a sane authority.
  if (Number.isNaN(time.getTime()) || time.getUTCDate() !== Number(day))
    refuse("malformed", `${what} has a bad time`);
  return time;
}
