import { isUtf8 } from "node:buffer";
import type { Json, JsonObject } from "@assay/policy";
import { refuse } from "./refusal.ts";

/**
 * JSON as it must be inside what was signed: UTF-8, one value, no key twice (also not in another case, which Go's
 * decoder takes for the same key), bounded depth. The text is checked here and then parsed by `JSON.parse`.
 */
export interface StrictJsonOptions {
  /** What is being read, for messages. */
  readonly what: string;
  /** Members of the outermost object whose value is only skipped, not checked: read them with `jsonAt`. */
  readonly skip?: readonly string[];
}

/** The members of one object; skipped ones only as byte ranges. */
export interface StrictObject {
  readonly members: ReadonlyMap<string, Json>;
  readonly skipped: ReadonlyMap<string, readonly [start: number, end: number]>;
}

const maxDepth = 200;
const maxNumberLength = 400;
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

interface Cursor {
  readonly bytes: Buffer;
  readonly what: string;
  at: number;
}

/** Reads one JSON value; every object in it has distinct keys. */
export function parseStrictJson(bytes: Buffer, what: string): Json {
  const cursor = open(bytes, what);
  checkValue(cursor, 0);
  atEnd(cursor);
  return jsonAt(bytes, [0, bytes.length], what);
}

/** Reads one JSON object; its members are distinct, and so are those of every object in it that is not skipped. */
export function parseStrictObject(bytes: Buffer, { what, skip = [] }: StrictJsonOptions): StrictObject {
  const cursor = open(bytes, what);
  const members = new Map<string, Json>();
  const skipped = new Map<string, readonly [number, number]>();
  skipSpace(cursor);
  if (bytes[cursor.at] !== openBrace) refuse("malformed", `${what} is not a JSON object`);
  eachMember(cursor, (key) => {
    const start = cursor.at;
    if (skip.includes(key)) {
      skipValue(cursor);
      skipped.set(key, [start, cursor.at]);
    } else {
      checkValue(cursor, 1);
      members.set(key, jsonAt(bytes, [start, cursor.at], what));
    }
  });
  atEnd(cursor);
  return { members, skipped };
}

/** Parses the value in a byte range. */
export function jsonAt(bytes: Buffer, [start, end]: readonly [number, number], what: string): Json {
  try {
    return JSON.parse(bytes.toString("utf8", start, end)) as Json;
  } catch {
    return refuse("malformed", `${what} is not JSON`);
  }
}

/** True for JSON objects: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property of a foreign object; never one of the prototype. */
export function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function open(bytes: Buffer, what: string): Cursor {
  if (!isUtf8(bytes)) refuse("malformed", `${what} is not UTF-8`);
  return { bytes, what, at: 0 };
}

function checkValue(cursor: Cursor, depth: number): void {
  skipSpace(cursor);
  // guard: json-depth
  if (depth > maxDepth) refuse("malformed", `${cursor.what} is nested deeper than ${maxDepth} levels`);
  const first = cursor.bytes[cursor.at];
  if (first === openBrace) eachMember(cursor, () => checkValue(cursor, depth + 1));
  else if (first === openBracket) eachElement(cursor, depth);
  else if (first === quote) skipString(cursor);
  else skipPrimitive(cursor);
}

function eachMember(cursor: Cursor, visit: (key: string) => void): void {
  const seen = new Set<string>();
  cursor.at++;
  skipSpace(cursor);
  if (cursor.bytes[cursor.at] === closeBrace) {
    cursor.at++;
    return;
  }
  for (;;) {
    const key = readKey(cursor);
    const folded = key.toUpperCase().toLowerCase();
    // guard: json-duplicate-key
    if (seen.has(folded)) refuse("malformed", `${cursor.what} has a key twice`, { received: key });
    seen.add(folded);
    expect(cursor, colon);
    skipSpace(cursor);
    visit(key);
    skipSpace(cursor);
    if (cursor.bytes[cursor.at] !== comma) break;
    cursor.at++;
    skipSpace(cursor);
  }
  expect(cursor, closeBrace);
}

function eachElement(cursor: Cursor, depth: number): void {
  cursor.at++;
  skipSpace(cursor);
  if (cursor.bytes[cursor.at] === closeBracket) {
    cursor.at++;
    return;
  }
  for (;;) {
    checkValue(cursor, depth + 1);
    skipSpace(cursor);
    if (cursor.bytes[cursor.at] !== comma) break;
    cursor.at++;
  }
  expect(cursor, closeBracket);
}

function readKey(cursor: Cursor): string {
  const start = cursor.at;
  if (cursor.bytes[start] !== quote) refuse("malformed", `${cursor.what} is not JSON`);
  skipString(cursor);
  const key = jsonAt(cursor.bytes, [start, cursor.at], cursor.what);
  return typeof key === "string" ? key : refuse("malformed", `${cursor.what} is not JSON`);
}

/** Finds the end of a value by its brackets alone: enough for what is parsed later, or never. */
function skipValue(cursor: Cursor): void {
  const { bytes, what } = cursor;
  let depth = 0;
  let run = 0;
  do {
    const byte = bytes[cursor.at];
    if (byte === undefined) refuse("malformed", `${what} ends too early`);
    if (byte === quote) {
      skipString(cursor);
      run = 0;
    } else if (depth === 0 && byte !== openBrace && byte !== openBracket) skipPrimitive(cursor);
    else {
      if (byte === openBrace || byte === openBracket) depth++;
      else if (byte === closeBrace || byte === closeBracket) depth--;
      run = isDelimiter(byte) ? 0 : run + 1;
      cursor.at++;
    }
    // guard: json-skip-number-length
    if (run > maxNumberLength) refuse("malformed", `${what} has an endless number`);
    // guard: json-skip-depth
    if (depth > maxDepth) refuse("malformed", `${what} is nested deeper than ${maxDepth} levels`);
  } while (depth > 0);
}

function skipString(cursor: Cursor): void {
  const { bytes } = cursor;
  let end = bytes.indexOf(quote, cursor.at + 1);
  while (end > 0 && isEscaped(bytes, end)) end = bytes.indexOf(quote, end + 1);
  if (end < 0) refuse("malformed", `${cursor.what} ends inside a string`);
  cursor.at = end + 1;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let slashes = 0;
  while (bytes[at - 1 - slashes] === backslash) slashes++;
  return slashes % 2 === 1;
}

/** A number or a literal; `JSON.parse` decides whether it is one. */
function skipPrimitive(cursor: Cursor): void {
  const start = cursor.at;
  for (;;) {
    const byte = cursor.bytes[cursor.at];
    if (byte === undefined || isDelimiter(byte)) break;
    // guard: json-number-length
    if (cursor.at - start > maxNumberLength) refuse("malformed", `${cursor.what} has an endless number`);
    cursor.at++;
  }
  if (cursor.at === start) refuse("malformed", `${cursor.what} is not JSON`);
}

function isDelimiter(byte: number): boolean {
  return isSpace(byte) || byte === comma || byte === colon || isBracket(byte);
}

function isBracket(byte: number): boolean {
  return byte === openBrace || byte === closeBrace || byte === openBracket || byte === closeBracket;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(cursor: Cursor): void {
  for (let byte = cursor.bytes[cursor.at]; byte !== undefined && isSpace(byte); )
    byte = cursor.bytes[++cursor.at];
}

function expect(cursor: Cursor, byte: number): void {
  skipSpace(cursor);
  if (cursor.bytes[cursor.at] !== byte) refuse("malformed", `${cursor.what} is not JSON`);
  cursor.at++;
}

function atEnd(cursor: Cursor): void {
  skipSpace(cursor);
  // guard: json-trailing
  if (cursor.at !== cursor.bytes.length) refuse("malformed", `${cursor.what} has bytes after its end`);
}
