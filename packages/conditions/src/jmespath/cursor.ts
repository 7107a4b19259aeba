import type { Limits } from "../limits.ts";
import type { Extension, Node } from "./ast.ts";
import { syntaxError } from "./lexer.ts";
import type { Token, TokenKind } from "./token.ts";

/** What the files of the grammar call of each other: brackets hold expressions, and expressions hold brackets. */
interface Grammar {
  parse(parser: Parser, minimum: number): Node;
  projectionTail(parser: Parser, minimum: number): Node;
}

/** The state of one parse, with a cursor over its tokens. */
export interface Parser {
  readonly grammar: Grammar;
  readonly expression: string;
  readonly tokens: readonly Token[];
  readonly extended: boolean;
  readonly limits: Limits;
  readonly used: Set<Extension>;
  at: number;
  depth: number;
}

/** The token at the cursor. */
export function current(parser: Parser): Token {
  return lookahead(parser, 0);
}

/** The token so many places behind it; past the end the last one. */
export function lookahead(parser: Parser, count: number): Token {
  const token = parser.tokens[parser.at + count] ?? parser.tokens.at(-1);
  if (token === undefined) throw syntaxError("empty expression", parser.expression, 0);
  return token;
}

/** The token at the cursor, which moves on. */
export function take(parser: Parser): Token {
  const token = current(parser);
  parser.at++;
  return token;
}

/** Takes a token of one kind. Throws `syntax` for another, with what was `wanted`. */
export function expect(parser: Parser, kind: TokenKind, wanted: string): Token {
  if (current(parser).kind !== kind) throw unexpected(parser, wanted);
  return take(parser);
}

/** The error that something else was `wanted`. */
export function unexpected(parser: Parser, wanted: string, token: Token = current(parser)): Error {
  const found = token.kind === "end" ? "the end of the expression" : `\`${shown(parser, token)}\``;
  return syntaxError(`expected ${wanted}, found ${found}`, parser.expression, token.offset);
}

function shown(parser: Parser, token: Token): string {
  return parser.expression.slice(token.offset, token.end);
}

/** `@`. */
export function identity(offset: number): Node {
  return { kind: "current", offset };
}
