import { ConditionError, compile } from "@assay/conditions";
import type { Report, Spot } from "../report.ts";
import { entries, items, textOf } from "./read-node.ts";

/**
 * Reports every `{{ expression }}` below a node that cannot be parsed, so that a policy with one is refused at load
 * and not when it should have protected something. Expressions that hold others are only known when they are evaluated.
 */
export function checkExpressions(spot: Spot | undefined, report: Report): void {
  if (spot === undefined) return;
  const text = textOf(spot);
  if (text !== undefined) checkText(spot, text, report);
  for (const item of items(spot)) checkExpressions(item, report);
  for (const [key, value] of entries(spot)) {
    const expression = key === "jmesPath" ? textOf(value) : undefined;
    if (expression === undefined || expression.includes("{{")) checkExpressions(value, report);
    else checkExpression(value, expression, report);
  }
}

function checkText(spot: Spot, text: string, report: Report): void {
  // A backslash before it makes a variable text.
  for (const [, backslash, expression] of text.matchAll(/(\\?)\{\{-?((?:\{[^{}]*\}|[^{}])*)\}\}/g)) {
    if (backslash === "" && expression !== undefined) checkExpression(spot, expression, report);
  }
}

function checkExpression(spot: Spot, expression: string, report: Report): void {
  try {
    compile(expression);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const shown = expression.trim().length > 120 ? `${expression.trim().slice(0, 120)}…` : expression.trim();
    report.error("badExpression", spot, `expression \`${shown}\` cannot be read: ${error.message}`);
  }
}
