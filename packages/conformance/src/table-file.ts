import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Fields, isFields, type TableCase } from "./table-case.ts";

/** A file of recorded cases, ready to ask. */
export interface TableFile {
  readonly name: string;
  readonly cases: readonly TableCase[];
  /** Why nothing of it is asked: it is no table that this runner knows. */
  readonly skipped?: string;
}

/** Reads every `*.json` below `directory`: Kyverno's golden tables and the official JMESPath suite. */
export function loadTables(directory: string): readonly TableFile[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => tableFile(relative(directory, join(directory, name)), join(directory, name)));
}

function tableFile(name: string, path: string): TableFile {
  const root = parseExact(readFileSync(path, "utf8"));
  if (Array.isArray(root)) return { name, cases: officialCases(name, root) };
  const cases = isFields(root) && Array.isArray(root["cases"]) ? root["cases"].filter(isFields) : [];
  if (!isFields(root) || !cases.every((entry) => typeof entry["fn"] === "string"))
    return { name, cases: [], skipped: `${cases.length} cases of another form` };
  const defs = isFields(root["defs"]) ? root["defs"] : {};
  return { name, cases: cases.map((entry) => expand(entry, defs, 0) as TableCase) };
}

/** The official suite is a list of `{given, cases: [{expression, result | error}]}`. */
function officialCases(name: string, groups: readonly unknown[]): readonly TableCase[] {
  return groups.filter(isFields).flatMap((group, g) =>
    (Array.isArray(group["cases"]) ? group["cases"].filter(isQuestion) : []).map((entry, c) => ({
      id: `${name}#${g}.${c}`,
      fn: "standardSearch",
      expression: entry["expression"],
      data: group["given"],
      want: "error" in entry ? { error: entry["error"] } : { value: entry["result"] },
    })),
  );
}

/** `{"$def":"dN"}` is a shared value; it stands wherever a value may. */
function expand(value: unknown, defs: Fields, depth: number): unknown {
  if (depth > 100) throw new Error("a definition refers to itself");
  if (Array.isArray(value)) return value.map((item) => expand(item, defs, depth + 1));
  if (!isFields(value)) return value;
  const keys = Object.keys(value);
  const [key] = keys;
  if (keys.length === 1 && key !== undefined) {
    const operand = value[key];
    if (key === "$def" && typeof operand === "string" && Object.hasOwn(defs, operand))
      return expand(defs[operand], defs, depth + 1);
    if (key === "$number" && typeof operand === "string") return Number(operand.replace("Inf", "Infinity"));
    if (key === "$bytes" && typeof operand === "string")
      return new Uint8Array(Buffer.from(operand, "base64"));
  }
  // fromEntries, so that a key `__proto__` stays an ordinary key.
  return Object.fromEntries(keys.map((name) => [name, expand(value[name], defs, depth + 1)]));
}

type ExactReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** `JSON.parse`, with integers that a number cannot hold as `bigint`. */
function parseExact(text: string): unknown {
  const revive: ExactReviver = (_key, value, { source }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? "")
      ? BigInt(source ?? "")
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/** The suite also has entries that are only there to be timed. */
function isQuestion(value: unknown): value is Fields {
  return isFields(value) && ("result" in value || "error" in value);
}
