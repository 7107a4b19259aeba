// Prints how large the shipped code is and how well it is documented, per package, and checks the budgets that
// CONTRIBUTING.md names. The last line is `N passed, N failed`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

const FILE_LINES = 450;
const FUNCTION_LINES = 60;
const PARAMETERS = 4;
const VALUE_EXPORTS = 15;
/** A file that is nearly all data may be longer: tables of codes, operators, functions. */
const TABLE_CODE_LINES = 80;
/** What must not be left lying about, in code and in tests. */
const MARKS =
  /\b(?:TODO|FIXME|XXX)\b|\.(?:only|skip|todo)\(|\bas unknown as\b|@ts-(?:ignore|expect-error|nocheck)/;

interface Sized {
  readonly where: string;
  readonly size: number;
}

interface FunctionFact extends Sized {
  readonly parameters: number;
}

interface SourceFacts extends Sized {
  readonly functions: readonly FunctionFact[];
  readonly exports: number;
  readonly undocumented: readonly string[];
  readonly comments: number;
}

interface AstNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const packages = readdirSync("packages").filter((name) => existsSync(join("packages", name, "src")));
const problems = packages.flatMap(reportPackage);
for (const problem of problems) print(`over budget: ${problem}`);
const failed = new Set(problems.map((problem) => problem.split("/")[1])).size;
print(`${packages.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function reportPackage(name: string): readonly string[] {
  const all = typescriptFiles(join("packages", name));
  const tests = all.filter((path) => isTest(path));
  const sources = all.filter((path) => path.includes("/src/") && !isTest(path)).map(factsOf);
  const functions = sources.flatMap((source) => source.functions);
  const lines = total(sources.map(({ size }) => size));
  const exported = total(sources.map((source) => source.exports));
  const undocumented = sources.flatMap((source) => source.undocumented);
  const testLines = total(tests.map((path) => linesOf(readFileSync(path, "utf8"))));
  print(
    [
      `${name}: files=${sources.length} lines=${lines} test/src=${(testLines / Math.max(1, lines)).toFixed(2)}`,
      `file ${spread(sources)}`,
      `function n=${functions.length} ${spread(functions)}`,
      `comments=${percent(total(sources.map(({ comments }) => comments)), lines)} exports=${exported} documented=${percent(exported - undocumented.length, exported)}`,
    ].join(" | "),
  );
  return [
    ...sources.flatMap(overBudget),
    ...undocumented.map((where) => `${where} is exported without a doc comment`),
    ...tooManyExports(name),
    ...all.flatMap(marks),
  ];
}

function marks(path: string): readonly string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line, i) => (MARKS.test(line) ? [`${path}:${i + 1} says \`${line.trim()}\``] : []));
}

function overBudget({ where, size, functions }: SourceFacts): readonly string[] {
  const code = total(functions.map((fn) => fn.size));
  return [
    ...(size > FILE_LINES && code > TABLE_CODE_LINES ? [`${where} has ${size} lines`] : []),
    ...functions
      .filter((fn) => fn.size > FUNCTION_LINES)
      .map((fn) => `${fn.where} is a function of ${fn.size} lines`),
    ...functions
      .filter((fn) => fn.parameters > PARAMETERS)
      .map((fn) => `${fn.where} takes ${fn.parameters} parameters`),
  ];
}

/** Only what the package's front door offers counts; types are free. */
function tooManyExports(name: string): readonly string[] {
  const door = join("packages", name, "src/index.ts");
  if (!existsSync(door)) return [];
  const text = readFileSync(door, "utf8");
  const values = parseSync(door, text).module.staticExports.flatMap(({ entries, start }) =>
    /^export\s+type\b/.test(text.slice(start)) ? [] : entries.filter(({ isType }) => !isType),
  );
  return values.length > VALUE_EXPORTS ? [`${door} exports ${values.length} values`] : [];
}

function factsOf(path: string): SourceFacts {
  const text = readFileSync(path, "utf8");
  const { program, comments } = parseSync(path, text);
  const lineAt = (offset: number): number => linesOf(text.slice(0, offset)) + 1;
  const functions: FunctionFact[] = [];
  const root: unknown = program;
  if (isNode(root))
    collectFunctions(root, (node) => {
      const size = lineAt(node.end) - lineAt(node.start) + 1;
      const parameters = Array.isArray(node["params"]) ? node["params"].length : 0;
      if (size > 1) functions.push({ where: `${path}:${lineAt(node.start)}`, size, parameters });
    });
  const exported = program.body.filter(
    (node) => node.type === "ExportNamedDeclaration" && node.declaration !== null,
  );
  const documented = (node: { readonly start: number }): boolean =>
    comments.some(
      ({ type, value, end }) =>
        type === "Block" && value.startsWith("*") && text.slice(end, node.start).trim() === "",
    );
  return {
    where: path,
    size: linesOf(text),
    functions,
    exports: exported.length,
    undocumented: exported.filter((node) => !documented(node)).map((node) => `${path}:${lineAt(node.start)}`),
    comments: total(comments.map(({ value }) => value.split("\n").length)),
  };
}

function collectFunctions(node: AstNode, found: (fn: AstNode) => void): void {
  if (/^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) found(node);
  for (const child of Object.values(node)) {
    if (Array.isArray(child)) for (const item of child) if (isNode(item)) collectFunctions(item, found);
    if (isNode(child)) collectFunctions(child, found);
  }
}

function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function typescriptFiles(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory())
      return ["node_modules", "dist", "cases", "testdata"].includes(entry.name) ? [] : typescriptFiles(path);
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts") ? [path] : [];
  });
}

function isTest(path: string): boolean {
  return /\.(?:test|bench)\.ts$|\/(?:test|bench)\//.test(path);
}

function spread(items: readonly Sized[]): string {
  const sorted = [...items].sort((a, b) => a.size - b.size);
  const at = (share: number): Sized | undefined => sorted[Math.round(share * (sorted.length - 1))];
  const worst = at(1);
  return worst === undefined
    ? "none"
    : `p50=${at(0.5)?.size} p90=${at(0.9)?.size} max=${worst.size} (${worst.where})`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${Math.round((100 * part) / whole)}%`;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

function linesOf(text: string): number {
  return text.split("\n").length - 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
