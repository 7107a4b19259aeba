import { ConditionError } from "../condition-error.ts";
import { parseGoJson } from "../go/go-json.ts";
import type { HoleText, Token, TokenKind } from "./token.ts";

/**
 * Stands for a nested variable in the text of an expression. It is a noncharacter of Unicode; text of the policy that
 * holds one is refused, so nothing but the template parser can put it there.
 */
export const HOLE = "\uFDD0";

export interface LexerOptions {
  /** Arithmetic tokens, decimal numbers and hyphenated identifiers. */
  readonly extensions: boolean;
}

const single: Readonly<Record<string, TokenKind>> = {
  ".": "dot",
  "*": "star",
  ",": "comma",
  ":": "colon",
  "{": "lbrace",
  "}": "rbrace",
  "]": "rbracket",
  "(": "lparen",
  ")": "rparen",
  "@": "current",
};

/** First character, second character, kind of both together, kind of the first alone. */
const double: Readonly<Record<string, readonly [string, TokenKind, TokenKind]>> = {
  "|": ["|", "or", "pipe"],
  "<": ["=", "lte", "lt"],
  ">": ["=", "gte", "gt"],
  "!": ["=", "ne", "not"],
  "=": ["=", "eq", "assign"],
  "&": ["&", "and", "expref"],
};

const arithmetic: Readonly<Record<string, TokenKind>> = {
  "+": "plus",
  "-": "minus",
  "/": "slash",
  "%": "percent",
};

const identifierStart = /[A-Za-z_]/;
const identifierPart = /[A-Za-z0-9_]/;
const digit = /[0-9]/;

/** The tokens of a JMESPath expression, the last one of kind `end`. Throws `syntax` with the offset. */
export function tokenize(expression: string, options: LexerOptions): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < expression.length) {
    const char = expression.charAt(at);
    if (char === " " || char === "\t" || char === "\n" || char === "\r") {
      at++;
      continue;
    }
    const token = readToken(expression, at, options);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "", offset: expression.length, end: expression.length });
  return numberHoles(tokens);
}

function readToken(expression: string, at: number, options: LexerOptions): Token {
  const char = expression.charAt(at);
  if (identifierStart.test(char) || char === HOLE) return readIdentifier(expression, at, options);
  const kind = single[char];
  if (kind !== undefined) return { kind, text: char, offset: at, end: at + 1 };
  if (char === "-" || digit.test(char)) return readNumber(expression, at, options);
  if (char === "[") return readBracket(expression, at);
  if (char === '"') return readQuoted(expression, at);
  if (char === "'") return readString(expression, at);
  if (char === "`") return readLiteral(expression, at);
  const pair = double[char];
  if (pair !== undefined) {
    const long = expression.charAt(at + 1) === pair[0];
    return { kind: long ? pair[1] : pair[2], text: char, offset: at, end: at + (long ? 2 : 1) };
  }
  const operator = options.extensions ? arithmetic[char] : undefined;
  if (operator !== undefined && !isGlued(expression, at)) {
    return { kind: operator, text: char, offset: at, end: at + 1 };
  }
  throw syntaxError(
    `unexpected character \`${String.fromCodePoint(expression.codePointAt(at) ?? 0)}\``,
    expression,
    at,
  );
}

/** `a/b`: the slash of a label's key that somebody forgot to quote, not a division. */
function isGlued(expression: string, at: number): boolean {
  return (
    expression.charAt(at) === "/" &&
    at > 0 &&
    identifierPart.test(expression.charAt(at - 1)) &&
    identifierPart.test(expression.charAt(at + 1))
  );
}

function readIdentifier(expression: string, at: number, options: LexerOptions): Token {
  let end = at;
  for (;;) {
    while (identifierPart.test(expression.charAt(end)) || expression.charAt(end) === HOLE) end++;
    const next = expression.charAt(end + 1);
    if (
      !options.extensions ||
      expression.charAt(end) !== "-" ||
      !(identifierPart.test(next) || next === HOLE)
    )
      break;
    end++;
  }
  const text = expression.slice(at, end);
  if (text.includes(HOLE)) return { kind: "hole", text, offset: at, end, holes: splitHoles(text) };
  return { kind: "identifier", text, offset: at, end };
}

function readNumber(expression: string, at: number, options: LexerOptions): Token {
  let end = at + 1;
  while (digit.test(expression.charAt(end))) end++;
  if (end === at + 1 && expression.charAt(at) === "-" && options.extensions) {
    return { kind: "minus", text: "-", offset: at, end };
  }
  if (options.extensions && expression.charAt(end) === "." && digit.test(expression.charAt(end + 1))) {
    end++;
    while (digit.test(expression.charAt(end))) end++;
  }
  return { kind: "number", text: expression.slice(at, end), offset: at, end };
}

function readBracket(expression: string, at: number): Token {
  const next = expression.charAt(at + 1);
  const kind = next === "?" ? "filter" : next === "]" ? "flatten" : "lbracket";
  return { kind, text: "[", offset: at, end: kind === "lbracket" ? at + 1 : at + 2 };
}

/** Up to the closing delimiter; a backslash takes the next character with it. */
function readUntil(expression: string, from: number, delimiter: string): number {
  for (let at = from; at < expression.length; at++) {
    const char = expression.charAt(at);
    if (char === delimiter) return at;
    if (char === "\\") at++;
  }
  throw syntaxError(`unclosed delimiter \`${delimiter}\``, expression, expression.length);
}

function readQuoted(expression: string, at: number): Token {
  const close = readUntil(expression, at + 1, '"');
  const raw = expression.slice(at, close + 1);
  const text = parseLiteral(raw, expression, at);
  const token = { kind: "quoted", text: String(text), offset: at, end: close + 1 } as const;
  return raw.includes(HOLE) ? { ...token, holes: splitHoles(String(text)) } : token;
}

/** A raw string keeps its backslashes, but for `\'`. */
function readString(expression: string, at: number): Token {
  let text = "";
  for (let next = at + 1; next < expression.length; next++) {
    const char = expression.charAt(next);
    if (char === "'") {
      const token = { kind: "string", text, offset: at, end: next + 1 } as const;
      return text.includes(HOLE) ? { ...token, holes: splitHoles(text) } : token;
    }
    if (char === "\\" && expression.charAt(next + 1) === "'") {
      text += "'";
      next++;
    } else {
      text += char;
    }
  }
  throw syntaxError("unclosed delimiter `'`", expression, expression.length);
}

function readLiteral(expression: string, at: number): Token {
  const close = readUntil(expression, at + 1, "`");
  const text = expression.slice(at + 1, close).replaceAll("\\`", "`");
  const token = { kind: "literal", text, offset: at, end: close + 1 } as const;
  return text.includes(HOLE) ? { ...token, holes: splitHoles(text) } : token;
}

/** A JSON text that ends too soon keeps its own code, as in Kyverno. */
export function parseLiteral(text: string, expression: string, at: number): ReturnType<typeof parseGoJson> {
  try {
    return parseGoJson(text);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    if (error.code === "badJson") throw syntaxError(error.message, expression, at);
    throw new ConditionError(error.message, { code: error.code, expression, offset: at });
  }
}

function splitHoles(text: string): HoleText {
  const pieces = text.split(HOLE);
  return { pieces, holes: pieces.slice(1).map(() => 0) };
}

/** Holes are numbered in the order in which they stand in the expression. */
function numberHoles(tokens: readonly Token[]): readonly Token[] {
  let count = 0;
  return tokens.map((token) =>
    token.holes === undefined
      ? token
      : { ...token, holes: { pieces: token.holes.pieces, holes: token.holes.holes.map(() => count++) } },
  );
}

/** An error of code `syntax`; nested variables show as `…`. */
export function syntaxError(message: string, expression: string, offset: number): ConditionError {
  const shown = expression.replaceAll(HOLE, "…");
  return new ConditionError(`syntax error: ${message}`, { code: "syntax", expression: shown, offset });
}
