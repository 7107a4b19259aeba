import type { Fact, Outcome, Trace } from "@assay/policy";
import { formatPosition } from "../engine-error.ts";
import type { EvaluationStats } from "../evaluation.ts";
import { checkVerdict } from "./check-verdict.ts";
import { codes } from "./codes.ts";
import type { Result, Verdict } from "./verdict.ts";

/** How a verdict is printed. */
export interface ExplainOptions {
  /** ANSI colours, for a terminal. Default false. */
  readonly color?: boolean;
  /** Columns that lines are wrapped at. Default 100, at least 40. */
  readonly width?: number;
  /** Where each step stands in the policy's file. Default true; false where the policy was made up, not read. */
  readonly positions?: boolean;
  /** What the evaluation cost, printed last. */
  readonly stats?: EvaluationStats;
}

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
const ansi: Readonly<Record<Style, string>> = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  cyan: "36",
};

const signs: Readonly<Record<Outcome, { readonly sign: string; readonly style: Style }>> = {
  pass: { sign: "✓", style: "green" },
  fail: { sign: "✗", style: "red" },
  error: { sign: "?", style: "yellow" },
  skip: { sign: "-", style: "dim" },
};

interface Page {
  readonly lines: string[];
  readonly width: number;
  readonly positions: boolean;
  paint(style: Style, text: string): string;
}

/**
 * A verdict as a text tree for people: what was decided, every step with its place in the policy, what was expected and
 * received, what was verified, and what to do next. Foreign text is printed without control characters. Throws
 * `EngineError` `misuse` for what is no verdict.
 */
export function explain(given: Verdict, options: ExplainOptions = {}): string {
  checkVerdict(given);
  const page: Page = {
    lines: [],
    width: Math.max(40, options.width ?? 100),
    positions: options.positions ?? true,
    paint: (style, text) => (options.color === true ? `\u001b[${ansi[style]}m${text}\u001b[0m` : text),
  };
  const verdict = cleaned(given);
  headline(verdict, page);
  for (const result of verdict.results) printResult(result, page);
  section("next steps", nextSteps(verdict), page);
  if (verdict.trace.length > 0) page.lines.push("", page.paint("bold", "trace"));
  for (const trace of verdict.trace) printTrace(trace, { depth: 1 }, page);
  if (verdict.trace.length === 0) print(page, 1, "no policy applies to this object");
  section(
    "patches",
    verdict.patches.map(({ path, value }) => `${path} → ${String(value)}`),
    page,
  );
  section("warnings", verdict.warnings, page);
  if (options.stats !== undefined) page.lines.push("", page.paint("dim", statsLine(options.stats)));
  return `${page.lines.join("\n")}\n`;
}

function headline(verdict: Verdict, page: Page): void {
  const { kind, namespace, name } = verdict.resource;
  const what = `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
  const word = verdict.allowed ? page.paint("green", "allowed") : page.paint("red", "denied");
  const why = verdict.allowed || verdict.outcome !== "error" ? "" : " (could not be decided)";
  page.lines.push(`${page.paint("bold", what)}: ${word}${why}`);
}

function printResult(result: Result, page: Page): void {
  const { sign, style } = signs[result.outcome];
  const audit = result.outcome === "fail" && result.failureAction === "Audit" ? " (audit only)" : "";
  const image = result.image === undefined ? "" : ` ${result.image}`;
  print(
    page,
    1,
    `${page.paint(style, sign)}${image} by ${result.policy}/${result.rule}${audit}: ${result.message}`,
  );
}

interface Spot {
  readonly depth: number;
  readonly position?: string;
}

function printTrace(trace: Trace, at: Spot, page: Page): void {
  const { sign, style } = signs[trace.outcome];
  const code = trace.code === "ok" ? "" : ` [${trace.code}]`;
  const title = titleOf(trace);
  const message = trace.message === "" || isToldBelow(trace) ? "" : `: ${trace.message}`;
  print(
    page,
    at.depth,
    `${page.paint(style, sign)} ${page.paint("bold", title)}${message}${page.paint(style, code)}`,
  );
  const position = trace.source === undefined ? at.position : formatPosition(trace.source);
  if (page.positions && position !== at.position && position !== undefined) {
    print(
      page,
      at.depth + 1,
      page.paint("dim", `at ${position}${trace.path === "" ? "" : ` (${trace.path})`}`),
    );
  }
  if (trace.expected !== undefined) print(page, at.depth + 1, `expected: ${show(trace.expected)}`);
  if (trace.received !== undefined) print(page, at.depth + 1, `received: ${show(trace.received)}`);
  printFacts(trace, at.depth + 1, page);
  const inner: Spot = { depth: at.depth + 1, ...(position === undefined ? {} : { position }) };
  for (const child of shownChildren(trace)) printTrace(child, inner, page);
}

/** A step that only passes on what a step below it says leaves the words to that one. */
function isToldBelow(trace: Trace): boolean {
  return trace.children.some(
    (child) =>
      child.outcome === trace.outcome &&
      ((child.message !== "" && trace.message.includes(child.message)) || isToldBelow(child)),
  );
}

/** Rules that do not apply are told only where none does. */
function shownChildren(trace: Trace): readonly Trace[] {
  if (trace.step !== "policy") return trace.children;
  const applying = trace.children.filter(({ code }) => code !== "notMatched");
  return applying.length > 0 ? applying : trace.children;
}

function printFacts(trace: Trace, depth: number, page: Page): void {
  const facts = Object.entries(trace.facts ?? {}).filter(([name]) => !titleFacts.has(name));
  const plain = facts
    .filter(([name]) => name !== "hint")
    .map(([name, fact]) => `${name}${glue}${showFact(fact)}`);
  if (plain.length > 0) print(page, depth, page.paint("dim", plain.join(" · ")));
  const hint = trace.facts?.["hint"];
  if (hint !== undefined) print(page, depth, page.paint("cyan", `hint: ${showFact(hint)}`));
}

const titleFacts: ReadonlySet<string> = new Set(["policy", "rule", "image", "kind"]);

function titleOf(trace: Trace): string {
  const { policy, rule, image } = trace.facts ?? {};
  if (trace.step === "policy" && policy !== undefined) return `policy ${showFact(policy)}`;
  if (trace.step === "rule" && rule !== undefined) return `rule ${showFact(rule)}`;
  if (trace.step === "image" && image !== undefined) return `image ${showFact(image)}`;
  return words[trace.step] ?? trace.step;
}

const words: Readonly<Partial<Record<Trace["step"], string>>> = {
  attestorSet: "attestor set",
  check: "entry",
  deny: "deny conditions",
};

function nextSteps(verdict: Verdict): readonly string[] {
  const troubled = verdict.results.filter(({ outcome }) => outcome === "fail" || outcome === "error");
  return [...new Set(troubled.map(({ code }) => code))].map((code) => `${code}: ${codes[code].nextStep}`);
}

function section(title: string, lines: readonly string[], page: Page): void {
  if (lines.length === 0) return;
  page.lines.push("", page.paint("bold", title));
  for (const line of lines) print(page, 1, line);
}

function statsLine({ lookups, requests, rounds, facts, milliseconds }: EvaluationStats): string {
  const known = facts === 0 ? "" : `, ${facts} known from before`;
  return `${lookups} lookups, ${requests} requests, ${rounds} rounds, ${Math.round(milliseconds)} ms${known}`;
}

/** Prints a line at its depth, wrapped with a hanging indent. */
function print(page: Page, depth: number, text: string): void {
  const indent = "  ".repeat(depth);
  const room = Math.max(20, page.width - indent.length - 2);
  const [first = "", ...rest] = wrap(text, room);
  const lines = [indent + first, ...rest.map((line) => `${indent}  ${line}`)];
  page.lines.push(...lines.map((line) => line.replaceAll(glue, " ")));
}

/** Keeps a name and its value on one line. */
const glue = "\u00a0";

function wrap(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && visibleLength(line) + 1 + visibleLength(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are escape sequences of our own
const colours = /\u001b\[\d+m/g;

function visibleLength(text: string): number {
  return text.replaceAll(colours, "").length;
}

/** Foreign text must not steer the terminal: it is cleaned before our own colours come in. */
function cleaned<T>(value: T): T {
  if (typeof value === "string") return printable(value) as T;
  if (Array.isArray(value)) return value.map(cleaned) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [printable(key), cleaned(item)])) as T;
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, " ");
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

function showFact(fact: Fact): string {
  return typeof fact === "object" ? fact.join(", ") : String(fact);
}
