import { ConditionError } from "./condition-error.ts";
import { display } from "./display.ts";
import { isObject, type Json, own, type Value, type ValueObject } from "./json.ts";
import { type Budget, createBudget, defaultLimits, exceeded, type Limits } from "./limits.ts";
import type { Dialect } from "./scope.ts";
import { type Prepared, type PrepareOptions, prepare } from "./substitution/prepare.ts";
import { resolveReferences } from "./substitution/references.ts";

/** One condition with its variables parsed. */
export interface CompiledCondition {
  /** Inside the conditions: `[0].all[1]`. */
  readonly path: string;
  /** Its number among all conditions, from 0. */
  readonly index: number;
  readonly written: ValueObject;
  /** Key and value as they were written, cut to what a trace can bear. */
  readonly keyText: Json;
  readonly valueText: Json;
  readonly key: Prepared;
  readonly value: Prepared;
  readonly operator: Prepared;
  readonly message: Prepared;
}

/** Both must hold; an absent `any` holds. */
export interface CompiledBlock {
  readonly any: readonly CompiledCondition[] | undefined;
  readonly all: readonly CompiledCondition[];
}

const COMPILED: unique symbol = Symbol("compiled conditions");

/** Conditions whose variables were parsed once, to be checked often. Immutable. */
export interface CompiledConditions {
  readonly [COMPILED]: true;
  readonly kind: "preconditions" | "attestation";
  readonly blocks: readonly CompiledBlock[];
  /** The conditions of all blocks in order. */
  readonly all: readonly CompiledCondition[];
}

export interface CompileConditionsOptions {
  /** See `CheckOptions.kind`. */
  readonly kind: "preconditions" | "attestation";
  readonly dialect?: Dialect;
  readonly limits?: Partial<Limits>;
  /** The request is a DELETE: `request.object` means `request.oldObject`. */
  readonly deleted?: boolean;
}

export function isCompiled(conditions: Value | CompiledConditions): conditions is CompiledConditions {
  return typeof conditions === "object" && conditions !== null && COMPILED in conditions;
}

/**
 * Parses conditions: one `{any, all}`, a list of them, or Kyverno's old list of conditions, all of which must hold.
 * Throws `malformed` for other shapes and unknown fields, and `badReference`. Variables that do not parse are errors of
 * the check, not of this function.
 */
export function compileConditions(conditions: Value, options: CompileConditionsOptions): CompiledConditions {
  const { kind, dialect = "assay", deleted = false } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const budget = createBudget(limits);
  const document = kind === "attestation" ? resolveReferences(conditions, budget) : conditions;
  const context: Context = {
    kind,
    budget,
    template: { dialect, limits, deleted, whole: kind === "attestation" },
    count: 0,
  };
  const blocks = blocksOf(document, context);
  return { [COMPILED]: true, kind, blocks, all: blocks.flatMap(({ any, all }) => [...(any ?? []), ...all]) };
}

interface Context {
  readonly kind: "preconditions" | "attestation";
  readonly budget: Budget;
  readonly template: PrepareOptions;
  /** How many conditions were compiled. */
  count: number;
}

const blockFields = new Set(["any", "all"]);
const conditionFields = new Set(["key", "operator", "value", "message"]);

function blocksOf(document: Value, context: Context): readonly CompiledBlock[] {
  if (document === null) return [];
  if (!Array.isArray(document)) return [block(objectAt(document, ""), "", context)];
  const items = document.map((item, index) => objectAt(item, `[${index}]`));
  if (!items.some((item) => [...conditionFields].some((field) => own(item, field) !== undefined))) {
    return items.map((item, index) => block(item, `[${index}]`, context));
  }
  // Each condition of the old list is a block of its own: its message stands alone.
  return items.map((item, index) => ({ any: undefined, all: [condition(item, `[${index}]`, context)] }));
}

function malformed(message: string, path: string): ConditionError {
  return new ConditionError(message, { code: "malformed", path: pointer(path) });
}

function objectAt(value: Value, path: string): ValueObject {
  if (!isObject(value)) throw malformed("a condition is no object", path);
  return value;
}

function checkFields(object: ValueObject, known: ReadonlySet<string>, path: string): void {
  for (const field of Object.keys(object)) {
    if (!known.has(field)) throw malformed(`unknown field \`${field.slice(0, 80)}\` in conditions`, path);
  }
}

function block(object: ValueObject, path: string, context: Context): CompiledBlock {
  checkFields(object, blockFields, path);
  const dot = path === "" ? "" : `${path}.`;
  const any = conditionsAt(own(object, "any"), `${dot}any`, context);
  const all = conditionsAt(own(object, "all"), `${dot}all`, context);
  // On its way to an attestation's conditions an empty list gets lost.
  const lost = context.kind === "attestation" && any?.length === 0;
  return { any: lost ? undefined : any, all: all ?? [] };
}

function conditionsAt(
  value: Value | undefined,
  path: string,
  context: Context,
): CompiledCondition[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw malformed("`any` and `all` are lists of conditions", path);
  return value.map((item, index) =>
    condition(objectAt(item, `${path}[${index}]`), `${path}[${index}]`, context),
  );
}

function condition(written: ValueObject, path: string, context: Context): CompiledCondition {
  checkFields(written, conditionFields, path);
  context.budget.steps -= 10;
  if (context.budget.steps < 0) throw exceeded("there are too many conditions");
  const { kind, template } = context;
  const at = (field: string): string => `${pointer(path)}/${field}`;
  const plain = (field: string): Prepared => {
    const value = own(written, field) ?? null;
    return () => value;
  };
  const early = kind === "attestation";
  return {
    path,
    index: context.count++,
    written,
    keyText: display(own(written, "key") ?? null),
    valueText: display(own(written, "value") ?? null),
    key: prepareOperand(own(written, "key"), at("key"), context),
    value: prepareOperand(own(written, "value"), at("value"), context),
    operator: early ? prepare(own(written, "operator") ?? null, at("operator"), template) : plain("operator"),
    message: early ? prepare(own(written, "message") ?? null, at("message"), template) : plain("message"),
  };
}

/** In preconditions each key and value is a document of its own, in which references can lead nowhere. */
function prepareOperand(
  value: Value | undefined,
  path: string,
  { kind, budget, template }: Context,
): Prepared {
  const literal = asLiteral(value ?? null, true);
  try {
    return prepare(kind === "attestation" ? literal : resolveReferences(literal, budget), path, template);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return () => {
      throw error;
    };
  }
}

/** Kyverno reads the numbers of a policy as int64 inside lists and maps, and a number that stands alone as float64. */
function asLiteral(value: Value, alone: boolean): Value {
  if (typeof value === "bigint") return alone ? Number(value) : value;
  if (typeof value === "number") return alone || !Number.isSafeInteger(value) ? value : BigInt(value);
  if (Array.isArray(value)) return value.map((item) => asLiteral(item, false));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asLiteral(item, false)]));
}

/** `[0].all[1]` as Kyverno writes paths: `/0/all/1`. */
function pointer(path: string): string {
  return path === ""
    ? ""
    : `/${path.replace(/^\[/, "").replaceAll("].", "/").replaceAll("[", "/").replaceAll("]", "")}`;
}
