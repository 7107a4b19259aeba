/** The kinds of tokens; names follow go-jmespath, the arithmetic ones are ours. */
export type TokenKind =
  | "star"
  | "dot"
  | "filter"
  | "flatten"
  | "lparen"
  | "rparen"
  | "lbracket"
  | "rbracket"
  | "lbrace"
  | "rbrace"
  | "or"
  | "pipe"
  | "number"
  | "identifier"
  | "quoted"
  | "comma"
  | "colon"
  | "lt"
  | "lte"
  | "gt"
  | "gte"
  | "eq"
  | "ne"
  | "assign"
  | "literal"
  | "string"
  | "current"
  | "expref"
  | "and"
  | "not"
  | "plus"
  | "minus"
  | "slash"
  | "percent"
  | "hole"
  | "end";

/** Text with the values of nested variables between its pieces: `pieces[0] hole pieces[1] hole …`. */
export interface HoleText {
  readonly pieces: readonly string[];
  /** Numbers of the nested variables; one less than there are pieces. */
  readonly holes: readonly number[];
}

export interface Token {
  readonly kind: TokenKind;
  /** Decoded: the name of an identifier, the text of a string; the digits of a number, the JSON of a literal. */
  readonly text: string;
  readonly offset: number;
  readonly end: number;
  /** Set when a nested variable stands inside the token; then `text` is unused. */
  readonly holes?: HoleText;
}
