import { nearest } from "../nearest.ts";
import type { Report, Spot } from "../report.ts";
import { childPath, type SourceNode } from "../yaml/source-node.ts";
import {
  fieldsOf,
  type IntegerShape,
  type ListShape,
  type ObjectShape,
  type Shape,
  type TextShape,
} from "./shape.ts";

/**
 * Reports everything about `spot` that does not fit `shape`: wrong types, unknown and missing fields, values outside
 * their range. When it reports no error, the readers of `read-node.ts` find what the shape promises.
 */
export function checkShape(spot: Spot, shape: Shape, report: Report): void {
  const { node } = spot;
  if (isNull(node)) {
    tellOfNull(spot, report);
    return;
  }
  switch (shape.kind) {
    case "any":
      break;
    case "text":
      checkText(spot, shape, report);
      break;
    case "flag":
      if (node.kind !== "scalar" || typeof node.value !== "boolean") wrongType(spot, "true or false", report);
      break;
    case "integer":
      checkInteger(spot, shape, report);
      break;
    case "list":
      checkList(spot, shape, report);
      break;
    case "record":
      if (node.kind !== "map") wrongType(spot, "a map", report);
      else
        for (const [key, entry] of node.entries) checkShape(child(spot, key, entry.node), shape.of, report);
      break;
    case "object":
      checkObject(spot, shape, report);
      break;
  }
}

/**
 * Kubernetes drops nulls: `attestors:` with nothing behind it is an absent field. It is told where it may be a demand that
 * a template lost; tools write `creationTimestamp: null`.
 */
function tellOfNull(spot: Spot, report: Report): void {
  if (!spot.path.startsWith("spec.")) return;
  report.warning("ignoredField", spot, `\`${spot.path}\` is empty, as if it were not there`);
}

function checkList(spot: Spot, shape: ListShape, report: Report): void {
  if (spot.node.kind !== "list") {
    wrongType(spot, "a list", report);
    return;
  }
  for (const [index, node] of spot.node.items.entries()) {
    const item = child(spot, index, node);
    if (isNull(node)) wrongType(item, kindName(shape.of), report);
    else checkShape(item, shape.of, report);
  }
}

function checkObject(spot: Spot, shape: ObjectShape, report: Report): void {
  const { node, path } = spot;
  if (node.kind !== "map") {
    wrongType(spot, "a map of fields", report);
    return;
  }
  const fields = fieldsOf(shape);
  for (const [key, entry] of node.entries) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field !== undefined) checkShape(child(spot, key, entry.node), field, report);
    else unknownField(child(spot, key, { ...entry.node, at: entry.keyAt }), key, Object.keys(fields), report);
  }
  for (const name of shape.required) {
    const entry = node.entries.get(name);
    if (entry === undefined || isNull(entry.node)) {
      report.error("missingField", { node, path }, `\`${childPath(path, name)}\` is missing`);
    }
  }
}

function unknownField(spot: Spot, key: string, known: readonly string[], report: Report): void {
  const meant = nearest(key, known);
  const shownKey = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  const choice = meant === undefined && known.length <= 12 ? `; known here: ${known.join(", ")}` : "";
  report.error("unknownField", spot, `unknown field \`${shownKey}\`${choice}`, meant);
}

function checkText(spot: Spot, shape: TextShape, report: Report): void {
  const { node } = spot;
  if (node.kind !== "scalar" || typeof node.value !== "string") {
    wrongType(spot, "text", report);
    return;
  }
  const { value } = node;
  if (shape.oneOf !== undefined && !shape.oneOf.includes(value)) {
    const message = `\`${value.slice(0, 80)}\` is not one of ${shape.oneOf.join(", ")}`;
    report.error("badValue", spot, message, nearest(value, shape.oneOf));
  }
  if (shape.maxLength !== undefined && value.length > shape.maxLength) {
    report.error(
      "badValue",
      spot,
      `\`${spot.path}\` has ${value.length} characters, at most ${shape.maxLength} are allowed`,
    );
  }
}

function checkInteger(spot: Spot, shape: IntegerShape, report: Report): void {
  const { node } = spot;
  if (node.kind !== "scalar" || !Number.isSafeInteger(node.value)) {
    wrongType(spot, "a whole number", report);
    return;
  }
  const value = Number(node.value);
  if (value >= (shape.minimum ?? -Infinity) && value <= (shape.maximum ?? Infinity)) return;
  report.error(
    "badValue",
    spot,
    `\`${spot.path}\` is ${value}: ${shape.outside ?? `at least ${shape.minimum}`}`,
  );
}

function wrongType(spot: Spot, wanted: string, report: Report): void {
  const quote =
    wanted === "text" && spot.node.kind === "scalar" && spot.node.value !== null ? ": put it in quotes" : "";
  report.error(
    "wrongType",
    spot,
    `\`${spot.path}\` must be ${wanted}, but is ${described(spot.node)}${quote}`,
  );
}

function described(node: SourceNode): string {
  if (node.kind !== "scalar") return node.kind === "list" ? "a list" : "a map";
  if (node.value === null) return "empty";
  return typeof node.value === "string" ? `the text \`${node.value.slice(0, 60)}\`` : `\`${node.value}\``;
}

function kindName(shape: Shape): string {
  switch (shape.kind) {
    case "text":
      return "text";
    case "flag":
      return "true or false";
    case "integer":
      return "a whole number";
    case "list":
      return "a list";
    case "record":
    case "object":
      return "a map";
    case "any":
      return "a value";
  }
}

function isNull(node: SourceNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

function child(spot: Spot, step: string | number, node: SourceNode): Spot {
  return { node, path: childPath(spot.path, step) };
}
