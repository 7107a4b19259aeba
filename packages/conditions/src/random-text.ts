import { createHash } from "node:crypto";
import { ConditionError } from "./condition-error.ts";
import type { Evaluation } from "./evaluation.ts";
import { checkDepth, spend, spendOutput } from "./limits.ts";
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
  const head =
    /^\?(?::|P?<[A-Za-z_0-9]+>|[a-zA-Z-]+[:)])/.exec(reader.pattern.slice(reader.at, reader.at + 80))?.[0] ??
    "";
  reader.at += head.length;
  if (head.endsWith(")")) return "";
  const text = alternatives(reader, depth + 1);
  reader.at++;
  return text;
}

const shorthands: Readonly<Record<string, string>> = {
  d: "0123456789",
  w: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
  s: " \t",
};

function escaped(reader: Reader): string {
  const char = String.fromCodePoint(reader.pattern.codePointAt(reader.at) ?? 0);
  reader.at += char.length;
  const members = Object.hasOwn(shorthands, char) ? shorthands[char] : undefined;
  if (members !== undefined) return members.charAt(reader.pick(members.length));
  if ("bBAz".includes(char)) return "";
  const plain: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", D: "a", W: "-", S: "a" };
  return Object.hasOwn(plain, char) ? (plain[char] ?? "") : char;
}

function characterClass(reader: Reader): string {
  const source = classSource(reader);
  const members = reader.classes.get(source) ?? membersOf(source, reader.evaluation);
  reader.classes.set(source, members);
  return members[reader.pick(Math.max(members.length, 1))] ?? "";
}

/** Classes are asked, not read: the printable characters that they match, or else one that they are written with. */
function membersOf(source: string, { budget }: Evaluation): readonly string[] {
  const regexp = compileRegexp(source, budget, "x");
  const matches = (char: string): boolean => regexp.matcher(char).find();
  const printable = Array.from({ length: 0x5f }, (_, at) => String.fromCharCode(0x20 + at)).filter(matches);
  return printable.length > 0 ? printable : [...source].filter(matches).slice(0, 1);
}

/** The text of the class that the cursor is in, with its brackets. */
function classSource(reader: Reader): string {
  const { pattern } = reader;
  const start = reader.at - 1;
  let at = reader.at;
  if (pattern.charAt(at) === "^") at++;
  if (pattern.charAt(at) === "]") at++;
  while (at < pattern.length && pattern.charAt(at) !== "]") {
    if (pattern.startsWith("[:", at)) at = pattern.indexOf(":]", at) + 1;
    else if (pattern.charAt(at) === "\\") at++;
    at++;
  }
  reader.at = at + 1;
  return pattern.slice(start, at + 1);
}
