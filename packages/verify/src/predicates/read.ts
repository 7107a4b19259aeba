import type { Json, JsonObject } from "@assay/policy";
import { isJsonObject, own } from "../encoding/strict-json.ts";

/** Thrown where a predicate has not the form of its type: the field, and what should stand there. */
export class PredicateError extends Error {
  override readonly name = "PredicateError";
  readonly code = "malformedPredicate";
  /** Field path inside the predicate, e.g. `metadata.scanFinishedOn`. */
  readonly path: string;

  constructor(path: string, expected: string) {
    super(`predicate field \`${path}\` is not ${expected}`);
    this.path = path;
  }
}

/** Reads fields of one object by name; own properties only, `null` counts as absent (as in Go). */
export interface Fields {
  readonly text: (name: string) => string;
  readonly optionalText: (name: string) => string | undefined;
  readonly object: (name: string) => Fields;
  readonly optionalObject: (name: string) => Fields | undefined;
  readonly list: (name: string) => readonly Fields[];
  readonly json: (name: string) => Json | undefined;
  /** The object as it is. */
  readonly raw: JsonObject;
}

/** Fields of a predicate; `path` is where it stands. */
export function fieldsOf(value: Json | undefined, path = ""): Fields {
  if (!isJsonObject(value)) throw new PredicateError(path === "" ? "predicate" : path, "an object");
  const raw = value;
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const json = (name: string): Json | undefined => own(raw, name) ?? undefined;
  const optionalText = (name: string): string | undefined => {
    const found = json(name);
    if (found === undefined || typeof found === "string") return found;
    throw new PredicateError(at(name), "a text");
  };
  const text = (name: string): string => {
    const found = optionalText(name);
    if (found === undefined) throw new PredicateError(at(name), "there");
    return found;
  };
  const optionalObject = (name: string): Fields | undefined => {
    const found = json(name);
    return found === undefined ? undefined : fieldsOf(found, at(name));
  };
  const list = (name: string): readonly Fields[] => {
    const found = json(name) ?? [];
    if (!Array.isArray(found)) throw new PredicateError(at(name), "a list");
    return found.map((entry: Json, i) => fieldsOf(entry, `${at(name)}[${i}]`));
  };
  return {
    text,
    optionalText,
    object: (name) => fieldsOf(json(name), at(name)),
    optionalObject,
    list,
    json,
    raw,
  };
}

/** A list of texts; absent: an empty one. */
export function textList(value: Json | undefined, path: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new PredicateError(path, "a list");
  return value.map((entry: Json) => {
    if (typeof entry === "string") return entry;
    throw new PredicateError(path, "a list of texts");
  });
}

/** A map of texts; absent: an empty one. */
export function texts(fields: Fields | undefined): Readonly<Record<string, string>> {
  if (fields === undefined) return {};
  return Object.fromEntries(Object.keys(fields.raw).map((name) => [name, fields.text(name)]));
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * A time as RFC 3339 §5.6 writes it, to the millisecond. `Date` alone would read one without zone as local, so that the
 * same signed bytes meant another time on another machine, and the 30th of February as a day of March.
 */
export function timeOf(text: string | undefined, path: string): Date | undefined {
  if (text === undefined) return undefined;
  const day = rfc3339.exec(text)?.[1];
  if (day === undefined || !isDay(day)) throw new PredicateError(path, "a time as RFC 3339 writes it");
  const time = new Date(text.toUpperCase());
  if (Number.isNaN(time.getTime())) throw new PredicateError(path, "a time as RFC 3339 writes it");
  return time;
}

function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

/** Only the properties that are there. */
export function present<T extends Readonly<Record<string, unknown>>>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** `T` with `undefined` taken out: absent properties are absent. */
export type Present<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
