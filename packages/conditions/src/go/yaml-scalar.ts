import { parseFloat64 } from "./go-number.ts";

type PlainValue = null | boolean | number | bigint | string;

const words: ReadonlyMap<string, PlainValue> = new Map<string, PlainValue>([
  ...wordsOf(true, "y Y yes Yes YES true True TRUE on On ON"),
  ...wordsOf(false, "n N no No NO false False FALSE off Off OFF"),
  ...wordsOf(null, "~ null Null NULL"),
  ["", null],
  ...wordsOf(Number.NaN, ".nan .NaN .NAN"),
  ...wordsOf(Number.POSITIVE_INFINITY, ".inf .Inf .INF +.inf +.Inf +.INF"),
  ...wordsOf(Number.NEGATIVE_INFINITY, "-.inf -.Inf -.INF"),
]);

function wordsOf(value: PlainValue, names: string): [string, PlainValue][] {
  return names.split(" ").map((name) => [name, value]);
}

const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** What go-yaml v2 makes of a plain scalar: YAML 1.1's words and numbers; times and base 60 stay text. */
export function resolvePlain(text: string): PlainValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (text.length > 400) return text;
  if (text.startsWith(".")) return parseFloat64(text) ?? text;
  if (!/^[-+0-9]/.test(text) || isTimestamp(text)) return text;
  const plain = text.replaceAll("_", "");
  const integer = parseInteger(plain);
  if (integer !== undefined) return integer;
  return float.test(plain) ? (parseFloat64(plain) ?? text) : text;
}

/** `strconv.ParseInt(text, 0, 64)`, or ParseUint: `0x`, `0o`, `0b` and a plain leading `0` choose the base. */
function parseInteger(text: string): bigint | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  if (match === null || match[2] === undefined) return undefined;
  const digits = /^0[0-7]+$/.test(match[2]) ? `0o${match[2].slice(1)}` : match[2];
  const size = BigInt(digits);
  if (match[1] === "") return size <= UINT64_MAX ? size : undefined;
  const value = match[1] === "-" ? -size : size;
  return value >= INT64_MIN && value < 2n ** 63n ? value : undefined;
}

/** Any text that starts like a date goes-yaml tries as a time first, and a time stays text. */
function isTimestamp(text: string): boolean {
  return /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?$/.test(
    text,
  );
}
