import { AssayError } from "./assay-error.ts";
import type { AssayOptions } from "./create-assay.ts";
import { isJsonObject } from "./json-object.ts";

const SOURCES = ["source", "context", "keys", "log"] as const;

/**
 * Throws `AssayError` `usage` for an option that is not what its type says: programs without types come here too, and
 * something that is passed over in silence is missed only when something is denied.
 */
export function checkOptions(options: Omit<AssayOptions, "policies" | "exceptions">): void {
  for (const name of SOURCES) {
    if (options[name] !== undefined && !isSource(options[name]))
      throw refused(name, "an object with `fetch`");
  }
  const { trust, objects, clock, variables, registry } = options;
  if (trust !== undefined && !isSource(trust) && !hasText(trust, "json"))
    throw refused("trust", "an object with `fetch`, or `{ json }` with the text of a trusted_root.json");
  if (objects !== undefined && !isListOfObjects(objects))
    throw refused("objects", "a list of objects, or of YAML text");
  if (clock !== undefined && typeof clock !== "function") throw refused("clock", "a function");
  if (variables !== undefined && !isJsonObject(variables)) throw refused("variables", "an object");
  if (registry !== undefined && !isJsonObject(registry)) throw refused("registry", "an object");
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string" || isJsonObject(one));
}

function isSource(value: unknown): boolean {
  return isJsonObject(value) && typeof Reflect.get(value, "fetch") === "function";
}

function hasText(value: unknown, name: string): boolean {
  return isJsonObject(value) && typeof Reflect.get(value, name) === "string";
}

function refused(name: string, wanted: string): AssayError {
  return new AssayError("usage", `\`${name}\` is not ${wanted}`);
}
