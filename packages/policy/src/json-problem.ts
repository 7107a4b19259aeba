/** What of a value is no JSON, and where: `metadata.labels`, empty for the value itself. */
export interface JsonProblem {
  readonly path: string;
  /** What it is instead, in words. */
  readonly is: string;
}

/** Deeper than anything that was written by hand or by a tool; what holds itself has no end. */
const maxDepth = 1000;

/**
 * The first part of a value that is no JSON. Programs without types hand in Maps, Promises and objects whose fields are
 * getters of a class: they look like objects without fields, so that what they say would be passed over in silence.
 * Fields that are undefined count as absent, and valid Dates as the text that JSON makes of them.
 */
export function jsonProblem(value: unknown, depth = 0): JsonProblem | undefined {
  // Texts are most of what there is.
  if (typeof value === "string") return undefined;
  const is = ownProblem(value, depth);
  if (is !== undefined) return { path: "", is };
  if (Array.isArray(value)) return itemProblem(value, depth + 1);
  if (typeof value !== "object" || value === null) return undefined;
  const keys = Object.keys(value);
  if (Object.getOwnPropertyNames(value).length !== keys.length && !(value instanceof Date))
    return { path: "", is: "an object with hidden fields" };
  for (const key of keys) {
    const field: unknown = (value as Readonly<Record<string, unknown>>)[key];
    const problem = field === undefined ? undefined : jsonProblem(field, depth + 1);
    if (problem !== undefined) return { path: joined(key, problem.path), is: problem.is };
  }
  return undefined;
}

/** By index: a hole is no entry, and there must be none. */
function itemProblem(items: readonly unknown[], depth: number): JsonProblem | undefined {
  for (let i = 0; i < items.length; i++) {
    const problem = items[i] === undefined ? { path: "", is: "undefined" } : jsonProblem(items[i], depth);
    if (problem !== undefined) return { path: joined(`[${i}]`, problem.path), is: problem.is };
  }
  return undefined;
}

function joined(step: string, path: string): string {
  if (path === "") return step;
  return path.startsWith("[") ? step + path : `${step}.${path}`;
}

/** What is wrong with the value itself, whatever is in it. */
function ownProblem(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : String(value);
    case "object":
      if (value === null) return undefined;
      if (depth > maxDepth) return `nested deeper than ${maxDepth} levels`;
      return Array.isArray(value) ? undefined : objectProblem(value);
    case "undefined":
      return "undefined";
    default:
      return `a ${typeof value}`;
  }
}

function objectProblem(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || isRoot(prototype as object)) return undefined;
  return instanceProblem(value, prototype as object);
}

/** An instance counts by its own fields, as Kubernetes clients make them: whatever it has from its class is code. */
function instanceProblem(value: object, prototype: object): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "a Date without a time" : undefined;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== "Object") return `a ${tag}`;
  for (let at: object | null = prototype; at !== null && !isRoot(at); at = Object.getPrototypeOf(at)) {
    const fields = Object.values(Object.getOwnPropertyDescriptors(at));
    if (fields.some((field) => typeof field.value !== "function")) return "an object with inherited fields";
  }
  return undefined;
}

/** `Object.prototype`, also that of another realm. */
function isRoot(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}
