import { isUtf8 } from "node:buffer";
import type { Json, JsonObject } from "@assay/policy";
import { refuse } from "../refusal.ts";

/**
 * JSON as it must be inside what was signed: UTF-8, one value, no key twice (also not in another case, which Go's
 * decoder takes for the same key), bounded depth. Keys are checked here, then `JSON.parse` reads the same text.
 */
export interface StrictJsonOptions {
  /** What is being read, for messages. */
  readonly what: string;
  /** A member of the outermost object that is only skipped: neither its keys nor its form are checked. */
  readonly skip?: string;
}

/** The members of one object. */
export interface StrictObject {
  readonly members: JsonObject;
  /** Text of the member that was skipped; undefined: there is none. */
  readonly skipped: string | undefined;
}

const maxDepth = 200;
const maxNumberLength = 400;
/** So many keys of an object are compared one by one; more are looked up, or it would be quadratic. */
const maxCompared = 16;
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

interface Cursor {
  readonly text: string;
  readonly what: string;
  readonly isKey: (key: string) => boolean;
  /** A member of the outermost object that is only skipped. */
  readonly skip: string | undefined;
  at: number;
  /** Where that member's value starts and ends. */
  range: readonly [number, number] | undefined;
}

function anyKey(): boolean {
  return true;
}

/** Text of bytes that must be UTF-8; what is no UTF-8 would be read as something else by somebody else. */
export function readUtf8(bytes: Buffer, what: string): string {
  // guard: json-utf8
  if (!isUtf8(bytes)) refuse("malformed", `${what} is not UTF-8`);
  return bytes.toString("utf8");
}

/** Reads one JSON value; every object in it has distinct keys, all of them such as `isKey` allows. */
export function parseStrictJson(text: string, what: string, isKey: Cursor["isKey"] = anyKey): Json {
  const cursor: Cursor = { text, what, isKey, skip: undefined, at: 0, range: undefined };
  checkValue(cursor, 0);
  atEnd(cursor);
  return parseJson(text, what);
}

/** Reads one JSON object; its members are distinct, and so are those of every object in it that is not skipped. */
export function parseStrictObject(text: string, { what, skip }: StrictJsonOptions): StrictObject {
  const cursor: Cursor = { text, what, isKey: anyKey, skip, at: 0, range: undefined };
  skipSpace(cursor);
  if (text.charCodeAt(cursor.at) !== openBrace) refuse("malformed", `${what} is not a JSON object`);
  checkMembers(cursor, 0);
  atEnd(cursor);
  const { range } = cursor;
  const head = range === undefined ? text : `${text.slice(0, range[0])}null${text.slice(range[1])}`;
  const members = parseJson(head, what);
  if (!isJsonObject(members)) return refuse("malformed", `${what} is not a JSON object`);
  return { members, skipped: range === undefined ? undefined : text.slice(...range) };
}

/** `JSON.parse` of foreign text. */
export function parseJson(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
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

function checkValue(cursor: Cursor, depth: number): void {
  skipSpace(cursor);
  // guard: json-depth
  if (depth > maxDepth) refuse("malformed", `${cursor.what} is nested deeper than ${maxDepth} levels`);
  const first = cursor.text.charCodeAt(cursor.at);
  if (first === openBrace) checkMembers(cursor, depth);
  else if (first === openBracket) checkElements(cursor, depth);
  else if (first === quote) skipString(cursor);
  else skipPrimitive(cursor);
}

function checkMembers(cursor: Cursor, depth: number): void {
  const { text } = cursor;
  const seen: string[] = [];
  let lookup: Set<string> | undefined;
  cursor.at++;
  skipSpace(cursor);
  if (text.charCodeAt(cursor.at) === closeBrace) {
    cursor.at++;
    return;
  }
  for (;;) {
    const key = readKey(cursor);
    const folded = fold(key);
    // guard: json-duplicate-key
    if (lookup?.has(folded) ?? seen.includes(folded))
      refuse("malformed", `${cursor.what} has a key twice`, { received: key });
    if (seen.push(folded) === maxCompared) lookup = new Set(seen);
    else lookup?.add(folded);
    // guard: json-key
    if (!cursor.isKey(key))
      refuse("malformed", `${cursor.what} has a key that it must not have`, { received: key });
    expect(cursor, colon);
    if (depth === 0 && key === cursor.skip) skipMember(cursor);
    else checkValue(cursor, depth + 1);
    skipSpace(cursor);
    if (text.charCodeAt(cursor.at) !== comma) break;
    cursor.at++;
    skipSpace(cursor);
  }
  expect(cursor, closeBrace);
}

function skipMember(cursor: Cursor): void {
  skipSpace(cursor);
  const start = cursor.at;
  skipValue(cursor);
  cursor.range = [start, cursor.at];
}

/** Unicode case folding, near enough: `K` (Kelvin) is `k`, `ſ` is `s`, as in Go's decoder. */
function fold(key: string): string {
  let isLower = true;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit > 0x7e) return key.toUpperCase().toLowerCase();
    if (unit >= 0x41 && unit <= 0x5a) isLower = false;
  }
  return isLower ? key : key.toLowerCase();
}

function checkElements(cursor: Cursor, depth: number): void {
  cursor.at++;
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) === closeBracket) {
    cursor.at++;
    return;
  }
  for (;;) {
    checkValue(cursor, depth + 1);
    skipSpace(cursor);
    if (cursor.text.charCodeAt(cursor.at) !== comma) break;
    cursor.at++;
  }
  expect(cursor, closeBracket);
}

function readKey(cursor: Cursor): string {
  const { text, what } = cursor;
  const start = cursor.at;
  if (text.charCodeAt(start) !== quote) refuse("malformed", `${what} is not JSON`);
  skipString(cursor);
  const plain = text.slice(start + 1, cursor.at - 1);
  if (!plain.includes("\\")) return plain;
  return String(parseJson(text.slice(start, cursor.at), what));
}

/** Finds the end of a value by its brackets alone: enough for what is parsed later, or never. */
function skipValue(cursor: Cursor): void {
  const { text, what } = cursor;
  let depth = 0;
  let run = 0;
  do {
    const unit = text.charCodeAt(cursor.at);
    if (Number.isNaN(unit)) refuse("malformed", `${what} ends too early`);
    if (unit === quote) {
      skipString(cursor);
      run = 0;
    } else if (depth === 0 && unit !== openBrace && unit !== openBracket) skipPrimitive(cursor);
    else {
      if (unit === openBrace || unit === openBracket) depth++;
      else if (unit === closeBrace || unit === closeBracket) depth--;
      run = isDelimiter(unit) ? 0 : run + 1;
      cursor.at++;
    }
    // guard: json-skip-number-length
    if (run > maxNumberLength) refuse("malformed", `${what} has an endless number`);
    // guard: json-skip-depth
    if (depth > maxDepth) refuse("malformed", `${what} is nested deeper than ${maxDepth} levels`);
  } while (depth > 0);
}

function skipString(cursor: Cursor): void {
  const { text } = cursor;
  let end = text.indexOf('"', cursor.at + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  if (end < 0) refuse("malformed", `${cursor.what} ends inside a string`);
  cursor.at = end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
  return slashes % 2 === 1;
}

/** A number or a literal; `JSON.parse` decides whether it is one. */
function skipPrimitive(cursor: Cursor): void {
  const start = cursor.at;
  for (;;) {
    const unit = cursor.text.charCodeAt(cursor.at);
    if (Number.isNaN(unit) || isDelimiter(unit)) break;
    // guard: json-number-length
    if (cursor.at - start > maxNumberLength) refuse("malformed", `${cursor.what} has an endless number`);
    cursor.at++;
  }
  if (cursor.at === start) refuse("malformed", `${cursor.what} is not JSON`);
}

function isDelimiter(unit: number): boolean {
  return isSpace(unit) || unit === comma || unit === colon || isBracket(unit);
}

function isBracket(unit: number): boolean {
  return unit === openBrace || unit === closeBrace || unit === openBracket || unit === closeBracket;
}

function isSpace(unit: number): boolean {
  return unit <= 0x20 && (unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09);
}

function skipSpace(cursor: Cursor): void {
  while (isSpace(cursor.text.charCodeAt(cursor.at))) cursor.at++;
}

function expect(cursor: Cursor, unit: number): void {
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) !== unit) refuse("malformed", `${cursor.what} is not JSON`);
  cursor.at++;
}

function atEnd(cursor: Cursor): void {
  skipSpace(cursor);
  // guard: json-trailing
  if (cursor.at !== cursor.text.length) refuse("malformed", `${cursor.what} has bytes after its end`);
}
