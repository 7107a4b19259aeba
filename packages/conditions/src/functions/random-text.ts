import { createHash } from "node:crypto";
import { ConditionError } from "../condition-error.ts";
import { checkDepth, spend, spendOutput } from "../limits.ts";
import type { Evaluation } from "./evaluation.ts";
import { compileRegexp } from "./regexp.ts";

/** Kyverno repeats `*` and `+` up to 4,096 times; nobody wants that. */
const MAX_REPEAT = 16;

interface Reader {
  readonly pattern: string;
  readonly evaluation: Evaluation;
  /** The next number below `limit`. */
  readonly pick: (limit: number) => number;
  /** What the classes that were met match, by their text: repetitions read them again. */
  readonly classes: Map<string, readonly string[]>;
  at: number;
}

/**
 * Kyverno's `random(pattern)`: a text that the regular expression matches.
 *
 * The text follows from the clock of the scope and the pattern, so that a verdict can be replayed. It is no secret.
 */
export function randomText(pattern: string, evaluation: Evaluation): string {
  if (pattern === "") throw new ConditionError("`random` takes a pattern", { code: "badText" });
  compileRegexp(pattern, evaluation.budget, "");
  const reader: Reader = {
    pattern,
    evaluation,
    pick: picker(`${evaluation.scope.now.getTime()}/${pattern}`),
    classes: new Map(),
    at: 0,
  };
  return alternatives(reader, 0);
}

function picker(seed: string): (limit: number) => number {
  let block = createHash("sha256").update(seed).digest();
  let used = 0;
  return (limit) => {
    if (used + 4 > block.length) {
      block = createHash("sha256").update(block).digest();
      used = 0;
    }
    used += 4;
    return block.readUInt32BE(used - 4) % limit;
  };
}

/** All alternatives are made, one is taken: the cursor has to pass them anyway. */
function alternatives(reader: Reader, depth: number): string {
  checkDepth(reader.evaluation.budget.limits, depth);
  const options = [sequence(reader, depth)];
  while (reader.pattern.charAt(reader.at) === "|") {
    reader.at++;
    options.push(sequence(reader, depth));
  }
  return options[reader.pick(options.length)] ?? "";
}

function sequence(reader: Reader, depth: number): string {
  let text = "";
  while (reader.at < reader.pattern.length && !"|)".includes(reader.pattern.charAt(reader.at))) {
    text += repeated(reader, depth);
    spendOutput(reader.evaluation.budget, text.length);
  }
  return text;
}

function repeated(reader: Reader, depth: number): string {
  const start = reader.at;
  let piece = atom(reader, depth);
  const end = reader.at;
  const quantifier = /^(?:[*+?]|\{([0-9]+)(,([0-9]*))?\})\??/.exec(reader.pattern.slice(end, end + 20));
  if (quantifier === null) return piece;
  const [from, to] = bounds(quantifier);
  const count = from + reader.pick(to - from + 1);
  let text = "";
  for (let made = 0; made < count; made++) {
    text += piece;
    spendOutput(reader.evaluation.budget, piece.length + 1);
    reader.at = start;
    piece = atom(reader, depth);
  }
  reader.at = end + quantifier[0].length;
  return text;
}

function bounds(quantifier: RegExpExecArray): [from: number, to: number] {
  switch (quantifier[0].charAt(0)) {
    case "?":
      return [0, 1];
    case "*":
      return [0, MAX_REPEAT];
    case "+":
      return [1, MAX_REPEAT];
    default: {
      const from = Number(quantifier[1]);
      if (quantifier[2] === undefined) return [from, from];
      return [from, quantifier[3] === "" ? from + MAX_REPEAT : Number(quantifier[3])];
    }
  }
}

function atom(reader: Reader, depth: number): string {
  // What is repeated may make no text at all, and is read anyway.
  spend(reader.evaluation.budget, 1);
  const char = String.fromCodePoint(reader.pattern.codePointAt(reader.at) ?? 0);
  reader.at += char.length;
  switch (char) {
    case "(":
      return group(reader, depth);
    case "[":
      return characterClass(reader);
    case "\\":
      return escaped(reader);
    case ".":
      return String.fromCharCode(0x20 + reader.pick(95));
    case "^":
    case "$":
      return "";
    default:
      return char;
  }
}

function group(reader: Reader, depth: number): string {
  // `(?:a)`, `(?i)` and names of groups are Perl's.
  if (reader.pattern.charAt(reader.at) === "?") throw notRead("(?");
  const text = alternatives(reader, depth + 1);
  reader.at++;
  return text;
}

/** Kyverno reads these patterns without what Perl added: `\d`, `\b`, `\pL`, `\Q…\E`. */
function notRead(part: string): ConditionError {
  return new ConditionError(`\`random\` does not read \`${part}\``, { code: "badRegexp" });
}

const controls: Readonly<Record<string, string>> = {
  a: "\u0007",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const escapes =
  /\\(?:x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))|(0[0-7]{0,2}|[1-7][0-7]{1,2})|([afnrtv])|([^0-9A-Za-z\u0080-\uFFFF]))/y;

/** The character that an escape stands for, and how long the escape is. */
function escapeAt(pattern: string, at: number): { char: string; length: number } {
  escapes.lastIndex = at;
  const match = escapes.exec(pattern);
  if (match === null) throw notRead(pattern.slice(at, at + 2));
  const [{ length }, wide, hex, octal, control, plain] = match;
  if (plain !== undefined) return { char: plain, length };
  if (control !== undefined) return { char: controls[control] ?? "", length };
  const code = octal === undefined ? Number.parseInt(wide ?? hex ?? "", 16) : Number.parseInt(octal, 8);
  return { char: String.fromCodePoint(code), length };
}

function escaped(reader: Reader): string {
  const { char, length } = escapeAt(reader.pattern, reader.at - 1);
  reader.at += length - 1;
  return char;
}

function characterClass(reader: Reader): string {
  const { source, written } = classSource(reader);
  const members = reader.classes.get(source) ?? membersOf(source, written, reader.evaluation);
  reader.classes.set(source, members);
  return members[reader.pick(Math.max(members.length, 1))] ?? "";
}

/** Classes are asked, not read: the printable characters that they match, or else one that they are written with. */
function membersOf(source: string, written: readonly string[], { budget }: Evaluation): readonly string[] {
  const regexp = compileRegexp(source, budget, "x");
  const matches = (char: string): boolean => regexp.matcher(char).find();
  const printable = Array.from({ length: 0x5f }, (_, at) => String.fromCharCode(0x20 + at)).filter(matches);
  if (printable.length > 0) return printable;
  const found = written.find(matches);
  if (found === undefined) throw notRead(source.slice(0, 80));
  return [found];
}

/** The text of the class that the cursor is in, with its brackets, and the characters that are written in it. */
function classSource(reader: Reader): { source: string; written: readonly string[] } {
  const { pattern } = reader;
  const start = reader.at - 1;
  const written: string[] = [];
  let at = reader.at;
  if (pattern.charAt(at) === "^") at++;
  for (const first = at; at < pattern.length && (at === first || pattern.charAt(at) !== "]"); ) {
    const name = pattern.startsWith("[:", at) ? pattern.indexOf(":]", at) : -1;
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    const found = char === "\\" ? escapeAt(pattern, at) : { char, length: char.length };
    if (name < 0) written.push(found.char);
    at = name < 0 ? at + found.length : name + 2;
  }
  reader.at = at + 1;
  return { source: pattern.slice(start, at + 1), written };
}
