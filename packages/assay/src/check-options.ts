import type { EvaluationOptions } from "@assay/engine";
import { jsonProblem } from "@assay/policy";
import { AssayError } from "./assay-error.ts";
import type { AssayOptions } from "./assay-options.ts";
import { isJsonObject } from "./json-object.ts";

const SOURCES = ["source", "context", "keys", "log"] as const;

/** Every option of `createAssay`: the compiler says which one is missing here. */
const ASSAY: Readonly<Record<keyof AssayOptions, true>> = {
  ...{ policies: true, exceptions: true, source: true, registry: true, trust: true, objects: true },
  ...{ context: true, keys: true, clock: true, variables: true, signaturePredicateTypes: true },
  ...{ logLookup: true, log: true },
};

const EVALUATION: Readonly<Record<keyof EvaluationOptions, true>> = {
  ...{ signal: true, timeoutMilliseconds: true, remember: true, onJudged: true },
};

/** The options of `evaluateImage` that `createAssay` takes. Throws `AssayError` `usage` for one that neither it nor an evaluation has. */
export function assayOptionsIn(
  options: Omit<AssayOptions, "policies"> & EvaluationOptions,
): Omit<AssayOptions, "policies"> {
  // Who asks about images and objects alike may keep one set of options, with policies for the objects.
  checkIsObject(options);
  checkNames(options, [...Object.keys(ASSAY), ...Object.keys(EVALUATION)]);
  const { policies: _, ...known } = ASSAY;
  const given = Object.keys(known).map((name) => [name, Reflect.get(options, name)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/**
 * Throws `AssayError` `usage` for an option that is none, or is not what its type says: programs without types come here too,
 * and something that is passed over in silence is missed only when something is denied, or is not.
 */
export function checkOptions(options: AssayOptions): void {
  checkNames(options, Object.keys(ASSAY));
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
  // A Promise has no options, nor does a spread see those that a class gives by getters.
  if (registry !== undefined && (!isJsonObject(registry) || jsonProblem(registry)?.path === ""))
    throw refused("registry", "an object");
  // The source checks the others; these it is given together with those of pull secrets.
  const credentials: unknown = options.registry?.credentials;
  if (credentials !== undefined && !Array.isArray(credentials))
    throw refused("registry.credentials", "a list");
}

function checkIsObject(options: unknown): void {
  if (!isJsonObject(options)) throw new AssayError("usage", "the options are no object");
}

function checkNames(options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    throw new AssayError("usage", `there is no option \`${name}\``, { hint: `options: ${known.join(", ")}` });
  }
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
