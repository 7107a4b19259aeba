import type { TokenKind } from "./token.ts";

/** go-jmespath's binding powers; those of arithmetic lie between comparison and flatten. */
export const power: Readonly<Partial<Record<TokenKind, number>>> = {
  pipe: 1,
  or: 2,
  and: 3,
  eq: 5,
  lt: 5,
  lte: 5,
  gt: 5,
  gte: 5,
  ne: 5,
  flatten: 9,
  star: 20,
  filter: 21,
  dot: 40,
  not: 45,
  lbrace: 50,
  lbracket: 55,
  lparen: 60,
};

/** The arithmetic ones. */
export const arithmeticPower: Readonly<Partial<Record<TokenKind, number>>> = {
  plus: 6,
  minus: 6,
  number: 6,
  star: 7,
  slash: 7,
  percent: 7,
};

/** Of `*`, `[*]` and slices, on what they project. */
export const PROJECTION = 20;
/** Of `[]`. */
export const FLATTEN = 9;
/** Of `[?…]`. */
export const FILTER = 21;
/** Of `.`. */
export const DOT = 40;
