import type { Diagnostic, Json, JsonObject } from "@assay/policy";
import { isJsonObject, ownField } from "../json-object.ts";
import type { DocumentReader } from "./document-reader.ts";

/** A value that a test gives a name, and where it stands. */
export interface GivenValue {
  /** `request.userInfo.username` in parts. */
  readonly parts: readonly string[];
  readonly value: Json;
  readonly source: Diagnostic["source"];
}

/** Values by the names that the file has for them. */
export type GivenValues = ReadonlyMap<string, GivenValue>;

type Problem = (value: Json) => string | undefined;

const text: Problem = (value) => (typeof value === "string" ? undefined : "must be a string");
const flag: Problem = (value) => (typeof value === "boolean" ? undefined : "must be true or false");
const texts: Problem = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string")
    ? undefined
    : "must be a list of strings";
const object: Problem = (value) => (isJsonObject(value) ? undefined : "must be an object");
const operations: readonly Json[] = ["CREATE", "UPDATE", "DELETE", "CONNECT"];
const operation: Problem = (value) =>
  operations.includes(value) ? undefined : `must be one of ${operations.join(", ")}`;

/** What of an admission request a test may give, and what it has to be. Of the objects, any field too. */
const requestFields: ReadonlyMap<string, Problem> = new Map([
  ["operation", operation],
  ["dryRun", flag],
  ["namespace", text],
  ["name", text],
  ["subResource", text],
  ["userInfo.username", text],
  ["userInfo.groups", texts],
  ["roles", texts],
  ["clusterRoles", texts],
  ["object", object],
  ["oldObject", object],
]);

/** Names that are assay's own: what a test says of them would not be heard. */
const builtIn: ReadonlyMap<string, string> = new Map([
  ["serviceAccountName", "give `request.userInfo.username`"],
  ["serviceAccountNamespace", "give `request.userInfo.username`"],
  ["images", "they follow from the object"],
  ["image", "it follows from the object"],
  ["attestation", "it follows from what is attested"],
]);

/**
 * Reads `values`. What would not come about as written is noted with its place: a test about another request than it says
 * would pass for the wrong reason.
 */
export function givenValues(value: Json | undefined, path: string, read: DocumentReader): GivenValues {
  const given = new Map<string, GivenValue>();
  for (const [name, one] of Object.entries(read.object(value ?? {}, path))) {
    const at = `${path}["${name}"]`;
    const parts = partsOf(name);
    if (parts === undefined)
      read.note("badValue", at, `\`${name}\` is no name: quotes enclose whole parts of it`);
    else {
      const problem = problemOf(parts, one);
      if (problem !== undefined) read.note("badValue", at, problem);
      given.set(name, { parts, value: one, source: read.positionOf(at) });
    }
  }
  return given;
}

/** The parts of `a.b."c.d"`, as Kyverno's command line takes it apart. */
function partsOf(name: string): readonly string[] | undefined {
  const parts: string[] = [];
  const part = /(?:"((?:[^"]|"")*)"|([^."]*))(\.|$)/y;
  for (let ended = false; !ended; ) {
    const match = part.exec(name);
    if (match === null) return undefined;
    const [, quoted, plain = "", end] = match;
    parts.push(quoted?.replaceAll('""', '"') ?? plain);
    ended = end === "";
  }
  return parts;
}

function problemOf([root = "", ...fields]: readonly string[], value: Json): string | undefined {
  const hint = builtIn.get(root);
  if (hint !== undefined) return `\`${root}\` cannot be given: ${hint}`;
  return root === "request" ? requestProblem(fields, value) : undefined;
}

function requestProblem(fields: readonly string[], value: Json): string | undefined {
  const name = fields.map((field) => (field.includes(".") ? JSON.stringify(field) : field)).join(".");
  const check = requestFields.get(name);
  if (check !== undefined) {
    const problem = check(value);
    return problem === undefined ? undefined : `\`request.${name}\` ${problem}`;
  }
  if (/^(?:oldO|o)bject\./.test(name)) return undefined;
  const holdsFields = name === "" || name === "userInfo";
  if (!holdsFields || !isJsonObject(value))
    return `\`${["request", name].filter(Boolean).join(".")}\` cannot be given: a test's request has none`;
  return Object.entries(value)
    .map(([field, inner]) => requestProblem([...fields, field], inner))
    .find((problem) => problem !== undefined);
}

/** `{"a.b": 1, "a.c": 2}` is `{a: {b: 1, c: 2}}`: later values go into earlier ones, as Kyverno's command line has it. */
export function nested(values: Iterable<GivenValue>): JsonObject {
  let root: JsonObject = {};
  for (const { parts, value } of values) {
    root = merged(
      root,
      parts.reduceRight<Json>((inner, part) => Object.fromEntries([[part, inner]]), value),
    );
  }
  return root;
}

/** `base` with `over` put into it: objects field by field, anything else in the place of what was there. */
export function merged(base: JsonObject, over: Json): JsonObject {
  const fields = Object.entries(isJsonObject(over) ? over : {}).map(([name, value]): [string, Json] => {
    const known = ownField(base, name);
    return [name, isJsonObject(known) && isJsonObject(value) ? merged(known, value) : value];
  });
  return Object.fromEntries([...Object.entries(base), ...fields]);
}
