import { Buffer, isUtf8 } from "node:buffer";
import { formatTimeExact, isCivil, timeOf } from "../go/go-time.ts";
import type { Json } from "../json.ts";
import { bits, boolean, type Der, malformed, objectIdentifier, smallInteger } from "./der.ts";

// What single values of certificates mean to Go.

/** Base64, as Go writes bytes to JSON. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** ASCII, or an error that names what it should have been. */
export function ascii(content: Uint8Array, what: string): string {
  if (content.some((byte) => byte >= 0x80)) throw malformed(what);
  return latin1(content);
}

function latin1(content: Uint8Array): string {
  return Buffer.from(content).toString("latin1");
}

const readers: ReadonlyMap<number, (content: Uint8Array) => string> = new Map([
  [0x0c, utf8],
  [0x12, (content) => matching(content, /^[0-9 ]*$/, "NumericString")],
  // `*` and `&` belong to no PrintableString, but many certificates have them.
  [0x13, (content) => matching(content, /^[A-Za-z0-9 '()+,\-./:=?*&]*$/, "PrintableString")],
  [0x14, latin1],
  [0x16, (content) => ascii(content, "IA5String")],
  [0x1e, bmpString],
]);

/** The text of an element; `undefined` when it is of none of the types that Go reads as text. */
export function textOf({ tag, content }: Der): string | undefined {
  return readers.get(tag)?.(content);
}

function utf8(content: Uint8Array): string {
  if (!isUtf8(content)) throw malformed("UTF8String");
  return Buffer.from(content).toString("utf8");
}

function matching(content: Uint8Array, pattern: RegExp, what: string): string {
  const text = latin1(content);
  if (!pattern.test(text)) throw malformed(what);
  return text;
}

function bmpString(content: Uint8Array): string {
  if (content.length % 2 !== 0) throw malformed("BMPString");
  const swapped = Buffer.from(content).swap16();
  const text = swapped.toString("utf16le").replace(/\0$/, "");
  if (/[\uFFFE\uFFFF\uFDD0-\uFDEF\uD800-\uDFFF]/.test(text)) throw malformed("BMPString");
  return text;
}

/** An element of any type, as Go's encoding/asn1 reads it into an `interface{}` and writes it to JSON. */
export function anyValue(element: Der): Json {
  const { tag, content } = element;
  switch (tag) {
    case 0x01:
      return boolean(content);
    case 0x02:
      return smallInteger(content);
    case 0x03: {
      const { bytes, padding } = bits(content);
      return { Bytes: base64(bytes), BitLength: bytes.length * 8 - padding };
    }
    case 0x04:
      return base64(content);
    case 0x06:
      return [...objectIdentifier(content)];
    case 0x17:
    case 0x18:
      return timeText(element);
    default:
      return textOf(element) ?? null;
  }
}

/** UTCTime and GeneralizedTime as RFC 3339. */
export function timeText({ tag, content }: Der): string {
  const text = latin1(content);
  const match =
    tag === 0x17
      ? /^()([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})?(Z|[+-][0-9]{4})$/.exec(text)
      : /^([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(Z|[+-][0-9]{4})$/.exec(text);
  if ((tag !== 0x17 && tag !== 0x18) || match === null) throw malformed("time");
  const [century = 0, years = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1, 7).map(Number);
  const year = (tag === 0x17 ? (years >= 50 ? 19 : 20) : century) * 100 + years;
  const civil = { year, month, day, hour, minute, second: Number(match[7] ?? 0) };
  const offset = offsetOf(match[8] ?? "");
  if (offset === undefined || !isCivil(civil)) throw malformed("time");
  return formatTimeExact(timeOf(civil, 0, offset));
}

/** Seconds east of UTC; `undefined` for what Go would write otherwise. */
function offsetOf(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))];
  if (hours > 23 || minutes > 59 || hours + minutes === 0) return undefined;
  return (zone.startsWith("-") ? -60 : 60) * (hours * 60 + minutes);
}
