import type { Json } from "../model.ts";
import { nearest } from "../nearest.ts";
import type { Report, Spot } from "../report.ts";
import { conditionOperators } from "../shape/shape-verify-images.ts";
import { entries, field, items, jsonOf, textOf } from "./read-node.ts";

/**
 * Reads conditions as JSON for `@assay/conditions`, after their form was checked: `{any, all}`, a list of conditions
 * (the old form) or a list of `{any, all}` blocks.
 */
export function readConditions(spot: Spot | undefined, report: Report): Json | undefined {
  if (spot === undefined) return undefined;
  if (spot.node.kind === "list") for (const item of items(spot)) checkBlockOrCondition(item, report);
  else if (spot.node.kind === "map") checkBlock(spot, report);
  else
    report.error(
      "wrongType",
      spot,
      `\`${spot.path}\` must be a map with \`any\` or \`all\`, or a list of conditions`,
    );
  return jsonOf(spot);
}

function checkBlockOrCondition(spot: Spot, report: Report): void {
  const isBlock = spot.node.kind === "map" && (spot.node.entries.has("any") || spot.node.entries.has("all"));
  if (isBlock) checkBlock(spot, report);
  else checkCondition(spot, report);
}

function checkBlock(spot: Spot, report: Report): void {
  for (const [key, value] of entries(spot)) {
    if (key !== "any" && key !== "all") {
      report.error(
        "unknownField",
        value,
        `unknown field \`${key}\`; known here: any, all`,
        nearest(key, ["any", "all"]),
      );
    } else if (field(spot, key) !== undefined && value.node.kind !== "list") {
      report.error("wrongType", value, `\`${value.path}\` must be a list of conditions`);
    }
    for (const condition of items(value)) checkCondition(condition, report);
  }
}

/** What Kyverno still reads where its CRD does not name the operators: in preconditions and `deny`, spelt exactly so. */
const oldOperators = ["Equal", "NotEqual"];
const fields = ["key", "operator", "value", "message"];

function checkCondition(spot: Spot, report: Report): void {
  if (spot.node.kind !== "map") {
    report.error("wrongType", spot, `\`${spot.path}\` must be a condition: key, operator, value`);
    return;
  }
  for (const [key, value] of entries(spot)) {
    if (!fields.includes(key)) {
      report.error(
        "unknownField",
        value,
        `unknown field \`${key}\`; known here: ${fields.join(", ")}`,
        nearest(key, fields),
      );
    }
  }
  const operator = field(spot, "operator");
  const name = textOf(operator);
  if (name === undefined || !spot.node.entries.has("key")) {
    report.error(
      "missingField",
      spot,
      "entered value of `key`, `value` or `operator` is missing or misspelled",
    );
  } else if (oldOperators.includes(name)) {
    report.warning("deprecated", operator ?? spot, `\`${name}\` is deprecated, write \`${name}s\``);
  } else if (!conditionOperators.some((one) => one.toLowerCase() === name.toLowerCase())) {
    const message = `entered value of \`operator\` is invalid: \`${name.slice(0, 60)}\``;
    report.error("badValue", operator ?? spot, message, nearest(name, conditionOperators));
  }
}
