import type { ArithmeticOperator } from "../functions/arithmetic.ts";
import { exceeded, type Limits } from "../limits.ts";
import type { Comparison, Extension, Node, ParsedExpression } from "./ast.ts";
import { arithmeticPower, DOT, PROJECTION, power } from "./binding-power.ts";
import { current, expect, identity, type Parser, take, unexpected } from "./cursor.ts";
import { parseLiteral, syntaxError, tokenize } from "./lexer.ts";
import { parseBracketed, parseHash, parseMultiSelectList } from "./parser-brackets.ts";
import type { Token, TokenKind } from "./token.ts";

export interface ParseOptions {
  readonly extensions: boolean;
  readonly limits: Limits;
}

/** Parses a JMESPath expression as go-jmespath does, plus our extensions. Throws `syntax` with the offset. */
export function parseExpression(expression: string, options: ParseOptions): ParsedExpression {
  if (expression.length > options.limits.expression) {
    throw exceeded(`the expression is longer than ${options.limits.expression} characters`);
  }
  if (options.extensions && expression.startsWith("$")) {
    return { node: { kind: "jsonPath", path: expression, offset: 0 }, extensions: ["jsonPath"] };
  }
  const tokens = tokenize(expression, options);
  const used = new Set<Extension>();
  const parser: Parser = {
    grammar: { parse, projectionTail },
    expression,
    tokens,
    extended: options.extensions,
    limits: options.limits,
    used,
    at: 0,
    depth: 0,
  };
  const node = parse(parser, 0);
  if (current(parser).kind !== "end") throw unexpected(parser, "the end of the expression");
  return { node, extensions: [...used] };
}

/** One expression whose operators bind tighter than `minimum`. */
function parse(parser: Parser, minimum: number): Node {
  // Every level of the tree, also the left-leaning ones of this loop, counts: evaluation recurses over them.
  const depth = parser.depth;
  enter(parser);
  const first = take(parser);
  let left = prefix(parser, first);
  while (minimum < bindingPower(parser)) {
    enter(parser);
    left = infix(parser, take(parser), left);
  }
  parser.depth = depth;
  return left;
}

function enter(parser: Parser): void {
  parser.depth++;
  if (parser.depth > parser.limits.depth)
    throw exceeded(`the expression nests deeper than ${parser.limits.depth}`);
}

function bindingPower(parser: Parser): number {
  const token = current(parser);
  if (parser.extended) {
    const value = token.kind === "number" && !token.text.startsWith("-") ? 0 : arithmeticPower[token.kind];
    if (value !== undefined) return value;
  }
  return power[token.kind] ?? 0;
}

function prefix(parser: Parser, token: Token): Node {
  const { offset } = token;
  switch (token.kind) {
    case "literal":
      if (token.holes !== undefined) return { kind: "holeLiteral", text: token.holes, offset };
      return { kind: "literal", value: parseLiteral(token.text, parser.expression, offset), offset };
    case "string":
      if (token.holes !== undefined) return { kind: "holeString", text: token.holes, offset };
      return { kind: "literal", value: token.text, offset };
    case "identifier":
    case "quoted":
    case "hole":
      return field(parser, token);
    case "star": {
      const right =
        current(parser).kind === "rbracket" ? identity(offset) : projectionTail(parser, PROJECTION);
      return { kind: "valueProjection", left: identity(offset), right, offset };
    }
    case "filter":
    case "flatten":
    case "lbracket":
      return parseBracketed(parser, token, undefined);
    case "lbrace":
      return parseHash(parser, offset);
    case "current":
      return identity(offset);
    case "expref":
      return { kind: "reference", operand: parse(parser, 0), offset };
    case "not":
      return { kind: "not", operand: parse(parser, 45), offset };
    case "lparen": {
      const inner = parse(parser, 0);
      expect(parser, "rparen", "`)`");
      return inner;
    }
    case "number":
      if (parser.extended && isArithmetic(parser)) return numberLiteral(parser, token);
      throw unexpected(parser, "an expression (numbers stand in backticks)", token);
    default:
      throw unexpected(parser, "an expression", token);
  }
}

/** A key of the current object. In Kyverno a hyphen ends an unquoted identifier; here it may stand inside one. */
function field(parser: Parser, token: Token): Node {
  if (token.kind === "quoted" && current(parser).kind === "lparen") {
    throw syntaxError("a quoted identifier is no function name", parser.expression, token.offset);
  }
  if (token.holes !== undefined) {
    const behindDot = parser.tokens[parser.at - 2]?.kind === "dot";
    const place = token.kind === "quoted" ? "quoted" : behindDot ? "key" : "any";
    return { kind: "holeField", text: token.holes, place, offset: token.offset };
  }
  if (token.kind === "identifier" && token.text.includes("-")) parser.used.add("hyphenIdentifier");
  return { kind: "field", name: token.text, offset: token.offset };
}

function isArithmetic(parser: Parser): boolean {
  const power = arithmeticPower[current(parser).kind];
  return power !== undefined && bindingPower(parser) === power;
}

function numberLiteral(parser: Parser, token: Token): Node {
  parser.used.add("arithmetic");
  return { kind: "literal", value: Number(token.text), offset: token.offset };
}

const operators: Readonly<Partial<Record<TokenKind, ArithmeticOperator>>> = {
  plus: "+",
  minus: "-",
  star: "*",
  slash: "/",
  percent: "%",
};

function infix(parser: Parser, token: Token, left: Node): Node {
  const { offset } = token;
  if (!parser.extended && token.kind === "star") throw unexpected(parser, "an operator", token);
  switch (token.kind) {
    case "dot":
      if (current(parser).kind === "star") {
        take(parser);
        return { kind: "valueProjection", left, right: projectionTail(parser, DOT), offset };
      }
      return { kind: "chain", left, right: dotTail(parser, DOT), offset };
    case "pipe":
      return { kind: "pipe", left, right: parse(parser, 1), offset };
    case "or":
      return { kind: "or", left, right: parse(parser, 2), offset };
    case "and":
      return { kind: "and", left, right: parse(parser, 3), offset };
    case "eq":
    case "ne":
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return {
        kind: "compare",
        operator: token.kind satisfies Comparison,
        left,
        right: parse(parser, 5),
        offset,
      };
    case "lparen":
      return call(parser, token, left);
    case "filter":
    case "flatten":
    case "lbracket":
      return parseBracketed(parser, token, left);
    case "plus":
    case "minus":
    case "star":
    case "slash":
    case "percent":
    case "number":
      return arithmetic(parser, token, left);
    default:
      throw unexpected(parser, "an operator", token);
  }
}

/** `a - '24h'`, `n + 1`, and `n -1`, whose `-1` the lexer took for a number. */
function arithmetic(parser: Parser, token: Token, left: Node): Node {
  parser.used.add("arithmetic");
  const { offset } = token;
  if (token.kind === "number") {
    const right: Node = { kind: "literal", value: Number(token.text.slice(1)), offset: offset + 1 };
    return { kind: "arithmetic", operator: "-", left, right, offset };
  }
  const operator = operators[token.kind];
  if (operator === undefined) throw unexpected(parser, "an operator", token);
  const operand = current(parser);
  if (operand.kind === "star") throw unexpected(parser, "an operand");
  if (operand.kind === "number") {
    take(parser);
    return { kind: "arithmetic", operator, left, right: numberLiteral(parser, operand), offset };
  }
  const minimum = operator === "+" || operator === "-" ? 6 : 7;
  return { kind: "arithmetic", operator, left, right: parse(parser, minimum), offset };
}

function call(parser: Parser, token: Token, left: Node): Node {
  // go-jmespath takes the name from any node that has a text: `'length'(l)` is a call of length.
  const name =
    left.kind === "field"
      ? left.name
      : left.kind === "literal" && typeof left.value === "string"
        ? left.value
        : "";
  if (name === "") throw unexpected(parser, "an operator", token);
  const args: Node[] = [];
  while (current(parser).kind !== "rparen") {
    args.push(parse(parser, 0));
    if (current(parser).kind === "comma") take(parser);
  }
  take(parser);
  return { kind: "call", name, args, offset: left.offset };
}

/** What follows a dot. */
function dotTail(parser: Parser, minimum: number): Node {
  const token = current(parser);
  switch (token.kind) {
    case "quoted":
    case "identifier":
    case "hole":
    case "star":
      return parse(parser, minimum);
    case "lbracket":
      take(parser);
      return parseMultiSelectList(parser, token.offset);
    case "lbrace":
      take(parser);
      return parseHash(parser, token.offset);
    default:
      throw unexpected(parser, "an identifier, `[` or `{`");
  }
}

/** What is applied to each element of a projection. */
function projectionTail(parser: Parser, minimum: number): Node {
  const token = current(parser);
  if ((power[token.kind] ?? 0) < 10 || (parser.extended && token.kind === "star"))
    return identity(token.offset);
  if (token.kind === "lbracket" || token.kind === "filter") return parse(parser, minimum);
  if (token.kind === "dot") {
    take(parser);
    return dotTail(parser, minimum);
  }
  throw unexpected(parser, "`.`, `[` or the end of the projection");
}
