import { ConditionError } from "../condition-error.ts";
import type { Node, SliceParts } from "./ast.ts";
import { FILTER, FLATTEN, PROJECTION } from "./binding-power.ts";
import { current, expect, identity, lookahead, type Parser, take, unexpected } from "./cursor.ts";
import type { HoleText, Token } from "./token.ts";

/** What is applied to each element of a projection: a matter of expressions. */
function tail(parser: Parser, minimum: number): Node {
  return parser.grammar.projectionTail(parser, minimum);
}

/** `[?…]`, `[]`, `[0]`, `[1:2]`, `[*]` and `[a, b]`, after `left` or at the start of an expression. */
export function parseBracketed(parser: Parser, token: Token, left: Node | undefined): Node {
  const base = left ?? identity(token.offset);
  if (token.kind === "filter") return parseFilter(parser, token, base);
  if (token.kind === "flatten") {
    const flat: Node = { kind: "flatten", operand: base, offset: token.offset };
    return { kind: "projection", left: flat, right: tail(parser, FLATTEN), offset: token.offset };
  }
  const next = current(parser);
  if (next.kind === "number" || next.kind === "colon" || isHoleIndex(parser)) {
    return parseIndexed(parser, token, base, left === undefined);
  }
  if (left === undefined && !(next.kind === "star" && lookahead(parser, 1).kind === "rbracket")) {
    return parseMultiSelectList(parser, token.offset);
  }
  expect(parser, "star", "`*`, a number or `:`");
  expect(parser, "rbracket", "`]`");
  return { kind: "projection", left: base, right: tail(parser, PROJECTION), offset: token.offset };
}

function isHoleIndex(parser: Parser): boolean {
  const at = current(parser).kind === "minus" ? 1 : 0;
  return lookahead(parser, at).kind === "hole" && lookahead(parser, at + 1).kind === "rbracket";
}

function parseFilter(parser: Parser, token: Token, left: Node): Node {
  const condition = parser.grammar.parse(parser, 0);
  expect(parser, "rbracket", "`]`");
  const next = current(parser);
  const right = next.kind === "flatten" ? identity(next.offset) : tail(parser, FILTER);
  return { kind: "filter", left, right, condition, offset: token.offset };
}

function parseIndexed(parser: Parser, token: Token, left: Node, atStart: boolean): Node {
  const index = atStart ? tolerantIndex(parser) : parseIndex(parser);
  if (index === undefined) return { kind: "broken", offset: token.offset };
  const chain: Node = { kind: "chain", left, right: index, offset: token.offset };
  if (index.kind !== "slice") return chain;
  return { kind: "projection", left: chain, right: tail(parser, PROJECTION), offset: token.offset };
}

/** At the start of an expression go-jmespath loses this error: the rest parses as if a value stood here. */
function tolerantIndex(parser: Parser): Node | undefined {
  try {
    return parseIndex(parser);
  } catch (error) {
    if (error instanceof ConditionError && error.code === "syntax") return undefined;
    throw error;
  }
}

/** An index or a slice with its closing bracket. */
function parseIndex(parser: Parser): Node {
  const { offset } = current(parser);
  if (current(parser).kind === "colon" || lookahead(parser, 1).kind === "colon") {
    return { kind: "slice", parts: parseSlice(parser), offset };
  }
  if (current(parser).kind !== "number") return parseHoleIndex(parser);
  const index = parseInteger(parser);
  expect(parser, "rbracket", "`]`");
  return { kind: "index", index, offset };
}

function parseHoleIndex(parser: Parser): Node {
  const { offset } = current(parser);
  const negative = current(parser).kind === "minus";
  if (negative) take(parser);
  const hole = expect(parser, "hole", "an index");
  expect(parser, "rbracket", "`]`");
  return { kind: "holeIndex", text: hole.holes as HoleText, negative, offset };
}

function parseSlice(parser: Parser): SliceParts {
  const parts: (number | undefined)[] = [undefined, undefined, undefined];
  let index = 0;
  while (current(parser).kind !== "rbracket" && index < 3) {
    const { kind } = current(parser);
    if (kind === "number") {
      parts[index] = parseInteger(parser);
    } else {
      expect(parser, "colon", "`:`, an index or `]`");
      index++;
    }
  }
  expect(parser, "rbracket", "`]`");
  return { start: parts[0], stop: parts[1], step: parts[2] };
}

function parseInteger(parser: Parser): number {
  const token = current(parser);
  const value = Number(token.text);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63 || token.text.includes(".")) {
    throw unexpected(parser, "an integer");
  }
  take(parser);
  return value;
}

/** What stands between `[` and `]` when it is no index. */
export function parseMultiSelectList(parser: Parser, offset: number): Node {
  const items: Node[] = [];
  for (;;) {
    items.push(parser.grammar.parse(parser, 0));
    if (current(parser).kind === "rbracket") break;
    expect(parser, "comma", "`,` or `]`");
  }
  take(parser);
  return { kind: "list", items, offset };
}

/** What stands between `{` and `}`. */
export function parseHash(parser: Parser, offset: number): Node {
  const entries: (readonly [string | HoleText, Node])[] = [];
  for (;;) {
    const key = take(parser);
    if (key.kind !== "identifier" && key.kind !== "quoted" && key.kind !== "hole") {
      throw unexpected(parser, "a key", key);
    }
    expect(parser, "colon", "`:`");
    entries.push([key.holes ?? key.text, parser.grammar.parse(parser, 0)]);
    const next = current(parser).kind;
    if (next === "comma" || next === "rbrace") take(parser);
    if (next === "rbrace") return { kind: "hash", entries, offset };
  }
}
