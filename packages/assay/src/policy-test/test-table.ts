import { styleText } from "node:util";
import { plainText } from "../terminal/plain-text.ts";
import type { TestRow } from "./test-row.ts";

const HEADINGS = ["ID", "POLICY", "RULE", "RESOURCE", "RESULT", "REASON"];

/** The rows as Kyverno's command line prints them. */
export function testTable(rows: readonly TestRow[], color: boolean): string {
  const cells = rows.map((row, i) => [
    String(i + 1),
    cell(row.policy),
    cell(row.rule),
    cell(row.resource),
    row.passed ? "Pass" : "Fail",
    cell(row.reason),
  ]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...cells.map((row) => (row[i] ?? "").length)),
  );
  const rule = `│${widths.map((width) => "─".repeat(width + 2)).join("│")}│`;
  const line = (row: readonly string[], paint: (text: string, column: number) => string): string =>
    `│${widths.map((width, i) => ` ${paint((row[i] ?? "").padEnd(width), i)} `).join("│")}│`;
  const plain = (text: string): string => text;
  const body = cells.map((row, i) => line(row, color ? painter(rows[i]?.passed === true) : plain));
  return [rule, line(HEADINGS, plain), rule, ...body, rule, ""].join("\n");
}

/** Names and reasons quote foreign text, and a line is a row. */
function cell(text: string): string {
  return plainText(text).replaceAll("\n", " ");
}

function painter(passed: boolean): (text: string, column: number) => string {
  return (text, column) =>
    column === 4 ? styleText(passed ? "green" : "red", text, { validateStream: false }) : text;
}

/** A JUnit report: a suite for each test file, a case for each row. */
export function testJUnit(rows: readonly TestRow[]): string {
  const suites = [...new Set(rows.map((row) => row.test))].map((name) => {
    const own = rows.filter((row) => row.test === name);
    const failed = own.filter((row) => !row.passed).length;
    const cases = own.map((row) => {
      const head = `    <testcase classname="${xml(`${row.policy}.${row.rule}`)}" name="${xml(`${row.resource}: ${row.expected}`)}"`;
      return row.passed ? `${head}/>` : `${head}><failure message="${xml(row.reason)}"/></testcase>`;
    });
    return [
      `  <testsuite name="${xml(name)}" tests="${own.length}" failures="${failed}">`,
      ...cases,
      "  </testsuite>",
    ].join("\n");
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>", ""].join(
    "\n",
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Control characters have no place in XML, not even escaped: they become spaces. */
function xml(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]/gu, " ").replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
