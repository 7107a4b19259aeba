import { readFileSync } from "node:fs";
import type { Received, TableCase } from "./table-case.ts";

/** A gap or a decision that the tables show: which cases, and why. */
export interface KnownDifference {
  readonly rule: string;
  readonly reason: string;
  /** The cases of this repository that differ for this reason. One that starts to agree fails the build. */
  readonly ids: readonly string[];
}

/** The checked-in list. */
export const knownDifferences: readonly KnownDifference[] = JSON.parse(
  readFileSync(new URL("known-differences.json", import.meta.url), "utf8"),
) as readonly KnownDifference[];

/**
 * A rule looks at the mechanism, not at a name: cases that this repository has never seen differ for the same
 * reasons.
 */
type Recognise = (asked: TableCase, received: Received) => boolean;

export const recognisers: Readonly<Record<string, Recognise>> = {
  rescanned: (asked) => dataHoldsTemplate(asked),
  overriddenName: (asked) => predicateOverrides(asked),
  jsonPath: (asked) => expressionsOf(asked).some((text) => text.startsWith("$")),
};

/** The rule that explains why this answer differs, if one does. */
export function recognise(asked: TableCase, received: Received): KnownDifference | undefined {
  return knownDifferences.find(({ rule }) => recognisers[rule]?.(asked, received) === true);
}

/** Template syntax inside what is data: the context, a setup step's value, the statement. */
function dataHoldsTemplate(asked: TableCase): boolean {
  return ["context", "setup", "statement"].some((name) => holdsText(asked[name], /\{\{|\$\(/));
}

function predicateOverrides(asked: TableCase): boolean {
  const predicate = field(asked["statement"], "predicate");
  const taken = new Set([...keysOf(asked["context"]), ...setupNames(asked["setup"])]);
  return asked.fn === "attestation" && keysOf(predicate).some((key) => taken.has(key));
}

function setupNames(setup: unknown): readonly string[] {
  if (!Array.isArray(setup)) return [];
  return setup.flatMap((step: unknown) =>
    Array.isArray(step) && typeof step[1] === "string" ? [step[1].split(".")[0] ?? ""] : [],
  );
}

/** Every text between `{{` and `}}` of what the policy wrote, and the expression of a search. */
function expressionsOf(asked: TableCase): readonly string[] {
  const written = JSON.stringify([asked["document"], asked["conditions"], asked["key"], asked["value"]]);
  const templates = [...written.matchAll(/\{\{-?([^{}]*)\}\}/g)].map((found) => (found[1] ?? "").trim());
  return typeof asked["expression"] === "string" ? [...templates, asked["expression"].trim()] : templates;
}

function holdsText(value: unknown, pattern: RegExp): boolean {
  if (typeof value === "string") return pattern.test(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, item]) => pattern.test(key) || holdsText(item, pattern));
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

function field(value: unknown, name: string): unknown {
  return keysOf(value).includes(name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
