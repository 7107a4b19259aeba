import { readFileSync } from "node:fs";
import { ConditionError, compile, variablesIn } from "@assay/conditions";
import type { Received, TableCase } from "./table-case.ts";
import { floats } from "./tables/condition-error.ts";

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
  rescanned: (asked) => usedNames(asked).some((name) => holdsText(dataOf(asked, name), /\{\{|\$\(/)),
  overriddenName: (asked) => {
    const predicate = keysOf(field(asked["statement"], "predicate"));
    const taken = new Set([...keysOf(asked["context"]), ...setupNames(asked["setup"])]);
    return usedNames(asked).some((name) => predicate.includes(name) && taken.has(name));
  },
  jsonPath: (asked) => expressionsOf(asked).some((text) => text.startsWith("$")),
  extension: (asked) => wantsSyntaxError(asked) && expressionsOf(asked).some(usesExtension),
  boundLiteral: (asked, received) =>
    (wantsSyntaxError(asked) || String(field(received, "error")).endsWith("is no key")) &&
    expressionsOf(asked).some((text) => /\{\{.*\}\}/s.test(text)),
  groupNames: (asked, received) =>
    String(field(received, "error")).endsWith("is invalid") &&
    [asked["data"], ...expressionsOf(asked)].some((part) => holdsText(part, /\(\?P?<(\w+)>.*\(\?P?<\1>/s)),
  decodedBytes: (asked, received) =>
    String(field(received, "error")).endsWith("bytes are no text") &&
    expressionsOf(asked).some((text) => text.includes("base64_decode")),
  yamlRest: (asked, received) =>
    expressionsOf(asked).some((text) => text.includes("parse_yaml")) &&
    /unexpected .* (?:at node end|in yaml (?:stream|document))|a block's text is indented/.test(
      String(field(received, "error")),
    ),
};

/** The rule that explains why this answer differs, if one does. */
export function recognise(asked: TableCase, received: Received): KnownDifference | undefined {
  return knownDifferences.find(({ rule }) => recognisers[rule]?.(asked, received) === true);
}

function wantsSyntaxError(asked: TableCase): boolean {
  return field(asked["want"], "errorClass") === "syntax";
}

function usesExtension(expression: string): boolean {
  try {
    return compile(expression).extensions.length > 0;
  } catch (error) {
    if (error instanceof ConditionError) return false;
    throw error;
  }
}

/** What a root name of a case means: data, never policy. */
function dataOf(asked: TableCase, name: string): unknown {
  const steps = Array.isArray(asked["setup"]) ? asked["setup"] : [];
  const set = steps.filter((step: unknown) => setupNames([step]).includes(name));
  return [field(asked["context"], name), set, field(field(asked["statement"], "predicate"), name)];
}

/** The root names that the variables of a case read; `@` reads the request. */
function usedNames(asked: TableCase): readonly string[] {
  return uses(asked).flatMap(({ roots }) => roots ?? keysOf(asked["context"]));
}

/** What the policy wrote. */
function uses(asked: TableCase): ReturnType<typeof variablesIn> {
  return variablesIn(
    floats(
      [asked["document"], asked["conditions"], asked["key"], asked["value"]].map((part) => part ?? null),
    ),
  );
}

function setupNames(setup: unknown): readonly string[] {
  if (!Array.isArray(setup)) return [];
  return setup.flatMap((step: unknown) =>
    Array.isArray(step) && typeof step[1] === "string" ? [step[1].split(".")[0] ?? ""] : [],
  );
}

/** The expressions of every variable that the policy wrote, or that of a search. */
function expressionsOf(asked: TableCase): readonly string[] {
  const templates = uses(asked).map(({ expression }) => expression);
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
