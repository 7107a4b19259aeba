import { ConditionError, located } from "../condition-error.ts";
import { trimSpace } from "../go/go-text.ts";
import { type CompiledExpression, compile } from "../jmespath/compile.ts";
import { HOLE } from "../jmespath/lexer.ts";
import { exceeded, type Limits } from "../limits.ts";
import type { Dialect } from "../scope.ts";

/** One `{{ … }}`, with the variables that stand inside it. */
export interface Variable {
  /** Without the braces; a nested variable is a placeholder. */
  readonly expression: string;
  /** As it was written, for messages. */
  readonly shown: string;
  /** `{{- … }}` */
  readonly shallow: boolean;
  /** In which round Kyverno finds it: one right behind another waits for the next. */
  readonly round: number;
  /** In the order in which they stand in `expression`. */
  readonly nested: readonly Variable[];
}

export type TemplatePart = string | Variable;

/** A text with variables, parsed once. */
export interface Template {
  readonly text: string;
  /** Escapes are resolved in the text parts. */
  readonly parts: readonly TemplatePart[];
}

/** A scanned piece: a character of the text, or a whole variable that was found inside it. */
type Piece = string | Variable;

/**
 * Splits text into plain parts and variables as Kyverno's regular expression
 * `(^|[^\\])(\{\{(?:\{[^{}]*\}|[^{}])*\}\})` finds them, innermost first: a variable holds no braces but one level of
 * `{…}`, and a backslash before it makes it text. In linear time, where the expression would backtrack.
 */
function parseTemplate(text: string, limits: Limits): Template {
  if (!text.includes("{{")) return { text, parts: [text] };
  if (text.length > limits.expression)
    throw exceeded(`the text is longer than ${limits.expression} characters`);
  if (text.includes(HOLE)) {
    throw new ConditionError("the text holds a noncharacter", { code: "syntax", offset: text.indexOf(HOLE) });
  }
  // Innermost variables first, as often as something is found; each round removes at least one pair of braces.
  const known = new Set<Piece>();
  let pieces: readonly Piece[] = [text];
  for (let round = 0; ; round++) {
    if (round > limits.depth) throw exceeded(`variables nest deeper than ${limits.depth}`);
    const found = findVariables(pieces, round);
    if (found === undefined) break;
    pieces = found;
    // `{{- x }}` as the last variable of a round ends the search: what stands around or right behind it stays text.
    const last = found.findLast((piece) => typeof piece !== "string" && !known.has(piece)) as
      | Variable
      | undefined;
    if (last?.shallow) break;
    for (const piece of found) known.add(piece);
  }
  return {
    text,
    parts: pieces.map((piece) => (typeof piece === "string" ? piece.replaceAll("\\{{", "{{") : piece)),
  };
}

/** One round over the pieces: every innermost variable becomes a piece; `undefined` when there is none. */
function findVariables(pieces: readonly Piece[], round: number): readonly Piece[] | undefined {
  const flat = flatten(pieces);
  const found: Piece[] = [];
  let any = false;
  let plain = 0;
  let at = 0;
  while (at < flat.text.length) {
    // Kyverno's expression takes the character before a variable with it, so one right behind another waits a round.
    const waits = any && at === plain;
    const end = !waits && isOpen(flat.text, at) ? endOfVariable(flat.text, at) : -1;
    if (end < 0) {
      at++;
      continue;
    }
    pushPlain(found, flat, flat.text.slice(plain, at));
    found.push({ ...makeVariable(flat, flat.text.slice(at, end)), round });
    any = true;
    at = end;
    plain = end;
  }
  if (!any) return undefined;
  pushPlain(found, flat, flat.text.slice(plain));
  return found;
}

interface Flat {
  /** The pieces in a row, a variable as one placeholder. */
  readonly text: string;
  /** The variables in that order, taken as the text is cut up from left to right. */
  readonly variables: Iterator<Variable, undefined>;
}

function flatten(pieces: readonly Piece[]): Flat {
  const variables = pieces.filter((piece) => typeof piece !== "string");
  const text = pieces.map((piece) => (typeof piece === "string" ? piece : HOLE)).join("");
  return { text, variables: variables.values() };
}

function isOpen(text: string, at: number): boolean {
  return text.startsWith("{{", at) && (at === 0 || text.charAt(at - 1) !== "\\");
}

/** Behind the closing braces of the variable that opens at `start`; -1 when it holds other braces or never closes. */
function endOfVariable(text: string, start: number): number {
  let at = start + 2;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "}") return text.charAt(at + 1) === "}" ? at + 2 : -1;
    if (char === "{") {
      const close = closeOfGroup(text, at + 1);
      if (close < 0) return -1;
      at = close + 1;
    } else {
      at++;
    }
  }
  return -1;
}

function closeOfGroup(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "{") return -1;
    if (char === "}") return at;
  }
  return -1;
}

function pushPlain(found: Piece[], flat: Flat, text: string): void {
  text.split(HOLE).forEach((part, at) => {
    const variable = at === 0 ? undefined : flat.variables.next().value;
    if (variable !== undefined) found.push(variable);
    if (part !== "") found.push(part);
  });
}

function makeVariable(flat: Flat, written: string): Omit<Variable, "round"> {
  const nested = written
    .split(HOLE)
    .slice(1)
    .map(() => flat.variables.next().value)
    .filter((variable) => variable !== undefined);
  // Kyverno removes every pair of braces, and a leading minus, which asks it not to scan the result again.
  const bare = trimSpace(written.replaceAll("{{", "").replaceAll("}}", ""));
  const shallow = bare.startsWith("-");
  const expression = shallow ? trimSpace(bare.slice(1)) : bare;
  let index = 0;
  const shown = expression.replaceAll(HOLE, () => `{{ ${nested[index++]?.shown ?? ""} }}`);
  return { expression, shown, shallow, nested };
}

/** A variable whose expression, and those of the nested ones, are compiled. */
export interface CompiledVariable {
  readonly shown: string;
  readonly compiled: CompiledExpression;
  readonly shallow: boolean;
  readonly round: number;
  readonly nested: readonly CompiledVariable[];
}

export interface CompiledTemplate {
  readonly text: string;
  readonly parts: readonly (string | CompiledVariable)[];
}

export interface TemplateOptions {
  readonly dialect: Dialect;
  readonly limits: Limits;
  /** In a DELETE request Kyverno reads `request.object` as `request.oldObject`, wherever it stands. */
  readonly deleted: boolean;
  /** The expression that a variable `@` stands for. Default: `@` itself, all names. */
  readonly current?: () => string;
}

/** Parses a text and compiles its variables. Errors carry the expression as it was written. */
export function compileTemplate(text: string, options: TemplateOptions): CompiledTemplate {
  const { parts } = parseTemplate(text, options.limits);
  return {
    text,
    parts: parts.map((part) => (typeof part === "string" ? part : compileVariable(part, options))),
  };
}

function compileVariable(variable: Variable, options: TemplateOptions): CompiledVariable {
  const { dialect, limits, deleted } = options;
  const nested = variable.nested.map((inner) => compileVariable(inner, options));
  const expression = variable.expression === "@" ? (options.current?.() ?? "@") : variable.expression;
  const asked = deleted ? expression.replaceAll("request.object", "request.oldObject") : expression;
  try {
    const { shown, shallow, round } = variable;
    return { shown, compiled: compile(asked, { dialect, limits }), shallow, round, nested };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw located(error, { expression: variable.shown });
  }
}
