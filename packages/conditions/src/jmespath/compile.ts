import { ConditionError, located } from "../condition-error.ts";
import { type Evaluation, MISSING, type Run } from "../functions/evaluation.ts";
import { nearestOf } from "../functions/function-table.ts";
import { kyvernoFunctions } from "../functions/kyverno-functions.ts";
import { standardFunctions } from "../functions/standard-functions.ts";
import { toFloats } from "../go/go-json.ts";
import { sortedKeys, trimSpace } from "../go/go-text.ts";
import type { Json, Value } from "../json.ts";
import { type Budget, createBudget, defaultLimits, type Limits } from "../limits.ts";
import type { Dialect, Scope } from "../scope.ts";
import type { Extension, Node } from "./ast.ts";
import { compileNode } from "./compile-node.ts";
import { jsonPathRoot } from "./json-path.ts";
import { parseExpression } from "./parser.ts";

export interface CompileOptions {
  /** `kyverno` refuses the extensions. Default `assay`. */
  readonly dialect?: Dialect;
  /**
   * `kyverno` (default): a missing key is an error, and Kyverno's functions are there. `standard`: the JMESPath
   * specification, where a missing key is null; then the extensions are off.
   */
  readonly mode?: "kyverno" | "standard";
  readonly limits?: Partial<Limits>;
}

/** An expression that was parsed once and can be evaluated often, in any scope. Immutable. */
export interface CompiledExpression {
  readonly text: string;
  /** The root names that it uses; `undefined` when it looks at all of them, as `@` and `keys(@)` do. */
  readonly roots: readonly string[] | undefined;
  /** What of it Kyverno would refuse. */
  readonly extensions: readonly Extension[];
  /** Opaque: for `evaluate`. */
  readonly run: Run;
}

/** Parses an expression, without its braces. Throws `ConditionError` `syntax` or `emptyExpression` with the offset. */
export function compile(expression: string, options: CompileOptions = {}): CompiledExpression {
  const { dialect = "assay", mode = "kyverno" } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const text = trimSpace(expression);
  if (text === "")
    throw new ConditionError("the expression is empty", { code: "emptyExpression", expression });
  try {
    const { node, extensions } = parseExpression(text, {
      extensions: dialect === "assay" && mode === "kyverno",
      limits,
    });
    const functions = mode === "standard" ? standardFunctions : kyvernoFunctions;
    const run = compileNode(node, { expression: text, mode, functions }, true);
    return { text, roots: rootsOf(node), extensions: withPaths(extensions, text), run };
  } catch (error) {
    if (error instanceof ConditionError) throw located(error, { expression: text });
    throw error;
  }
}

function withPaths(extensions: readonly Extension[], text: string): readonly Extension[] {
  return /(?:^|[^.\w"-])attestation\s*\.\s*(?:predicate|predicateType|subject|signer)\b/.test(text)
    ? [...extensions, "attestationPath"]
    : extensions;
}

/**
 * The value of an expression. An int64 becomes a number. Throws `ConditionError` with the expression, the offset, and
 * for a missing key the keys that are there and the nearest one; what the scope's `resolve` throws passes unchanged.
 */
export function evaluate(expression: string | CompiledExpression, scope: Scope): Json {
  const { limits, dialect } = scope;
  const compiled = typeof expression === "string" ? compile(expression, { dialect, limits }) : expression;
  const budget = createBudget(limits);
  return toFloats(evaluateValue(compiled, scope, budget, []), budget);
}

/** `evaluate` inside: keeps int64, shares a budget, binds the values of nested variables. */
export function evaluateValue(
  compiled: CompiledExpression,
  scope: Scope,
  budget: Budget,
  holes: readonly Value[],
): Value {
  const evaluation: Evaluation = { scope, budget, holes, missing: undefined };
  try {
    const found = compiled.run(null, evaluation);
    if (found === MISSING) throw unknownKey(evaluation);
    return typeof found === "function" ? {} : found;
  } catch (error) {
    if (error instanceof ConditionError) throw located(error, { expression: compiled.text });
    if (error instanceof RangeError) {
      throw new ConditionError("the evaluation ran out of memory", { code: "limitExceeded" }, error);
    }
    throw error;
  }
}

function unknownKey({ missing }: Evaluation): ConditionError {
  const key = missing?.key ?? "";
  const keys = missing?.object === undefined ? [] : Object.keys(missing.object);
  const nearest = nearestOf(key, keys);
  const hint = nearest === undefined ? "" : `, did you mean \`${nearest}\`?`;
  return new ConditionError(`unknown key \`${key}\`${hint}`, {
    code: "unknownKey",
    key,
    availableKeys: keys.length > 1_000 ? keys.slice(0, 20) : sortedKeys(missing?.object ?? {}).slice(0, 20),
    ...(missing !== undefined && { offset: missing.offset }),
    ...(nearest !== undefined && { nearest }),
  });
}

/** Root names in the order of their first use. */
function rootsOf(node: Node): readonly string[] | undefined {
  const roots = new Set<string>();
  return collectRoots(node, roots) ? [...roots] : undefined;
}

/** False when the expression may look at any root name. Only what is applied to the scope itself is visited. */
function collectRoots(node: Node, roots: Set<string>): boolean {
  switch (node.kind) {
    case "field":
      roots.add(node.name);
      return true;
    case "literal":
    case "holeString":
    case "holeLiteral":
    case "broken":
      return true;
    case "chain":
    case "pipe":
      if (node.left.kind === "current") return collectRoots(node.right, roots);
      return collectRoots(node.left, roots);
    case "projection":
    case "valueProjection":
    case "filter":
      return collectRoots(node.left, roots);
    case "or":
    case "and":
    case "compare":
    case "arithmetic":
      return [node.left, node.right].every((child) => collectRoots(child, roots));
    case "not":
    case "flatten":
      return collectRoots(node.operand, roots);
    case "reference":
      return true;
    case "list":
      return node.items.every((child) => collectRoots(child, roots));
    case "hash":
      return node.entries.every(([, child]) => collectRoots(child, roots));
    case "call":
      return node.args.every((child) => collectRoots(child, roots));
    case "jsonPath": {
      const root = jsonPathRoot(node.path);
      if (root !== undefined) roots.add(root);
      return root !== undefined;
    }
    default:
      return false;
  }
}
