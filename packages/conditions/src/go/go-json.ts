import { ConditionError } from "../condition-error.ts";
import { isList, type Json, setOwn, type Value } from "../json.ts";
import { type Budget, checkDepth, defaultLimits, spend } from "../limits.ts";

export interface ParseJsonOptions {
  /** Deepest nesting. Default 256. */
  readonly maxDepth?: number;
  /** Longest text, in UTF-16 units. Default 67,108,864. */
  readonly maxLength?: number;
  /** `refuse` (default): a key that stands twice in one object is an error. `last`: the last one wins, as in Go. */
  readonly duplicateKeys?: "refuse" | "last";
  /**
   * `float` (default): every number is a float64, as in everything Kyverno gets through a variable.
   * `exact`: an integer that fits in 64 bits becomes a `bigint` (Go's int64), so it loses no digit.
   */
  readonly integers?: "float" | "exact";
}

interface Reader {
  readonly text: string;
  readonly maxDepth: number;
  readonly refuseDuplicates: boolean;
  readonly exact: boolean;
  /** Numbers beyond float64 are infinite instead of refused. */
  readonly infinite: boolean;
  at: number;
}

/**
 * Reads JSON (RFC 8259) that somebody else wrote: with limits on length and depth, refusing duplicate keys, without
 * ever touching a prototype. Numbers beyond float64 are refused, lone surrogates become U+FFFD, as Go does.
 * Throws `badText` with the offset, or `limitExceeded`.
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): Value {
  const { maxDepth = defaultLimits.depth, maxLength = 67_108_864, duplicateKeys = "refuse" } = options;
  if (text.length > maxLength) {
    throw new ConditionError(`the JSON text is longer than ${maxLength} characters`, {
      code: "limitExceeded",
    });
  }
  const refuseDuplicates = duplicateKeys === "refuse";
  const exact = options.integers === "exact";
  return readText({ text, maxDepth, refuseDuplicates, exact, infinite: false, at: 0 });
}

function readText(reader: Reader): Value {
  skipSpace(reader);
  const value = readValue(reader, 0);
  skipSpace(reader);
  if (reader.at < reader.text.length) throw unexpected(reader, "the end of the text");
  return value;
}

/** The value of a text that `json.Valid` accepts, which asks for the grammar only; `undefined` for any other text. */
export function validJson(text: string): { readonly value: Value } | undefined {
  const maxDepth = defaultLimits.depth;
  try {
    const reader = { text, maxDepth, refuseDuplicates: false, exact: false, infinite: true, at: 0 };
    return { value: readText(reader) };
  } catch (error) {
    if (error instanceof ConditionError && error.code !== "limitExceeded") return undefined;
    throw error;
  }
}

/**
 * `encoding/json`'s Unmarshal into `interface{}`: as `parseJson`, but of duplicate keys the last one wins. Inside an
 * expression, where `offset` means a place in the expression, so errors have none.
 */
export function parseGoJson(text: string, maxDepth: number = defaultLimits.depth): Value {
  try {
    return parseJson(text, { duplicateKeys: "last", maxDepth });
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw new ConditionError(
      `${error.message} (character ${error.offset ?? 0})`,
      { code: error.code },
      error,
    );
  }
}

function skipSpace(reader: Reader): void {
  for (;;) {
    const code = reader.text.charCodeAt(reader.at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
    reader.at++;
  }
}

function readValue(reader: Reader, depth: number): Value {
  const char = reader.text.charAt(reader.at);
  switch (char) {
    case "{":
      return readObject(reader, depth + 1);
    case "[":
      return readList(reader, depth + 1);
    case '"':
      return readString(reader);
    case "t":
      return readWord(reader, "true", true);
    case "f":
      return readWord(reader, "false", false);
    case "n":
      return readWord(reader, "null", null);
    default:
      return readNumber(reader);
  }
}

function checkNesting(reader: Reader, depth: number): void {
  if (depth <= reader.maxDepth) return;
  throw new ConditionError(`the JSON text nests deeper than ${reader.maxDepth}`, { code: "limitExceeded" });
}

function readObject(reader: Reader, depth: number): Value {
  checkNesting(reader, depth);
  const object: Record<string, Value> = {};
  reader.at++;
  skipSpace(reader);
  if (reader.text.charAt(reader.at) === "}") {
    reader.at++;
    return object;
  }
  for (;;) {
    if (reader.text.charAt(reader.at) !== '"') throw unexpected(reader, "a key");
    const start = reader.at;
    const key = readString(reader);
    if (reader.refuseDuplicates && Object.hasOwn(object, key)) {
      throw new ConditionError(`the key \`${key}\` stands twice in one object`, {
        code: "badText",
        offset: start,
        key,
      });
    }
    skipSpace(reader);
    if (reader.text.charAt(reader.at) !== ":") throw unexpected(reader, "`:`");
    reader.at++;
    skipSpace(reader);
    setOwn(object, key, readValue(reader, depth));
    if (readSeparator(reader, "}")) return object;
  }
}

function readList(reader: Reader, depth: number): Value {
  checkNesting(reader, depth);
  const list: Value[] = [];
  reader.at++;
  skipSpace(reader);
  if (reader.text.charAt(reader.at) === "]") {
    reader.at++;
    return list;
  }
  for (;;) {
    list.push(readValue(reader, depth));
    if (readSeparator(reader, "]")) return list;
  }
}

/** True at the end of the list or object; false after a comma, with the cursor on what follows it. */
function readSeparator(reader: Reader, close: string): boolean {
  skipSpace(reader);
  const char = reader.text.charAt(reader.at);
  if (char !== "," && char !== close) throw unexpected(reader, `\`,\` or \`${close}\``);
  reader.at++;
  if (char === close) return true;
  skipSpace(reader);
  return false;
}

function readString(reader: Reader): string {
  const { text } = reader;
  const start = reader.at;
  let escaped = false;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      reader.at = at + 1;
      return escaped ? decodeString(reader, start) : wellFormed(text.slice(start + 1, at));
    }
    if (code < 32)
      throw new ConditionError("the JSON text has a raw control character", { code: "badJson", offset: at });
    if (code === 92) {
      escaped = true;
      at++;
    }
  }
  throw new ConditionError("the JSON text has an unfinished string", { code: "badText", offset: start });
}

function decodeString(reader: Reader, start: number): string {
  try {
    return wellFormed(JSON.parse(reader.text.slice(start, reader.at)));
  } catch (cause) {
    throw new ConditionError(
      "the JSON text has an invalid escape",
      { code: "badJson", offset: start },
      cause,
    );
  }
}

/** Go replaces every lone surrogate. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

function readWord<T extends Value>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) throw unexpected(reader, "a value");
  reader.at += word.length;
  return value;
}

const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;

function readNumber(reader: Reader): number | bigint {
  number.lastIndex = reader.at;
  const match = number.exec(reader.text);
  if (match === null) throw unexpected(reader, "a value");
  const value = Number(match[0]);
  if (!Number.isFinite(value) && !reader.infinite) {
    throw new ConditionError(`the number \`${match[0].slice(0, 40)}\` is out of range`, {
      code: "badText",
      offset: reader.at,
    });
  }
  reader.at += match[0].length;
  if (!reader.exact || match[1] !== undefined || match[2] !== undefined || match[0].length > 20) return value;
  const integer = BigInt(match[0]);
  return integer === BigInt.asIntN(64, integer) ? integer : value;
}

function unexpected(reader: Reader, wanted: string): ConditionError {
  const { at, text } = reader;
  if (at >= text.length) {
    return new ConditionError(`the JSON text ends too soon: expected ${wanted}`, {
      code: "badText",
      offset: at,
    });
  }
  const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return new ConditionError(`the JSON text is broken: expected ${wanted}, found \`${found}\``, {
    code: "badJson",
    offset: at,
  });
}

/**
 * The same value as a tree of its own, with every int64 as a float64: what Go makes of it by way of JSON. A value that
 * stands in itself many times is small until it is copied, so every node counts.
 */
export function toFloats(value: Value, budget: Budget, depth = 0): Json {
  if (typeof value === "bigint") return Number(value);
  // An `&expression` that nobody called is an empty struct in Go.
  if (typeof value === "function") return {};
  if (typeof value !== "object" || value === null) return value;
  checkDepth(budget.limits, depth);
  spend(budget, 1);
  if (isList(value)) return value.map((item) => toFloats(item, budget, depth + 1));
  const object: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) setOwn(object, key, toFloats(item, budget, depth + 1));
  return object;
}
