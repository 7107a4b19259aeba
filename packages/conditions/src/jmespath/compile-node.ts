import { ConditionError, located } from "../condition-error.ts";
import { arithmetic } from "../functions/arithmetic.ts";
import {
  deepEqual,
  type Evaluation,
  type Item,
  isFalse,
  MISSING,
  type Missing,
  orNull,
  type Run,
} from "../functions/evaluation.ts";
import { callFunction, type FunctionTable, unknownFunction } from "../functions/function-table.ts";
import { isObject, setOwn, type Value } from "../json.ts";
import { checkList, spend } from "../limits.ts";
import type { Comparison, Node, SliceParts } from "./ast.ts";
import { holeIndex, holeKey, holeLiteral, holeName, holeString } from "./holes.ts";
import { queryJsonPath } from "./json-path.ts";

/** What a node needs to know about the whole expression when it is compiled. */
export interface CompileContext {
  readonly expression: string;
  /** `standard`: a missing key is null, as in the JMESPath specification. `kyverno`: it is an error. */
  readonly mode: "kyverno" | "standard";
  readonly functions: FunctionTable;
}

/**
 * Turns a syntax tree into a closure. `root` says that the node is applied to the scope itself, whose names may be
 * loaded when they are asked for; then the value that the closure is called with means nothing.
 */
export function compileNode(node: Node, context: CompileContext, root: boolean): Run {
  switch (node.kind) {
    case "literal": {
      const { value } = node;
      return () => value;
    }
    case "current":
      return root ? (_value, evaluation) => evaluation.scope.root() : (value) => value;
    case "field":
      return root ? rootField(node.name, node.offset, context) : field(node.name, node.offset, context);
    case "chain":
      return chain(node.left, node.right, context, root);
    case "index":
      return index(node.index);
    case "slice":
      return slice(node.parts);
    case "pipe": {
      const left = compileNode(node.left, context, root);
      const right = compileNode(node.right, context, root && isCurrent(node.left));
      return (value, evaluation) => orNull(right(orNull(left(value, evaluation)), evaluation));
    }
    case "or":
    case "and":
    case "not":
    case "compare":
    case "arithmetic":
      return compileOperator(node, context, root);
    case "projection":
    case "valueProjection":
    case "filter":
    case "flatten":
      return compileProjection(node, context, root);
    case "list":
    case "hash":
    case "call":
    case "reference":
      return compileConstruction(node, context, root);
    case "jsonPath":
      return (_value, evaluation) => queryJsonPath(node.path, evaluation.scope.root(), evaluation);
    case "broken":
      return () => {
        throw new ConditionError("the bracket is broken", { code: "badText", offset: node.offset });
      };
    default:
      return compileHole(node, context, root);
  }
}

type Kind<K extends Node["kind"]> = Extract<Node, { readonly kind: K }>;

function isCurrent(node: Node): boolean {
  return node.kind === "current";
}

function miss(evaluation: Evaluation, key: string, object: Item, offset: number): Missing {
  evaluation.missing = { key, object: isObject(object) ? object : undefined, offset };
  return MISSING;
}

function rootField(name: string, offset: number, context: CompileContext): Run {
  const standard = context.mode === "standard";
  return (_value, evaluation) => {
    const found = evaluation.scope.get(name);
    if (found !== undefined) return found;
    return standard || !evaluation.scope.hasNames
      ? null
      : miss(evaluation, name, evaluation.scope.root(), offset);
  };
}

function field(name: string, offset: number, context: CompileContext): Run {
  const standard = context.mode === "standard";
  return (value, evaluation) => {
    if (!isObject(value)) return null;
    if (Object.hasOwn(value, name)) {
      const found = value[name];
      if (found !== undefined) return found;
    }
    return standard ? null : missingField(value, name, offset, evaluation);
  };
}

function missingField(value: Item, name: string, offset: number, evaluation: Evaluation): Item | Missing {
  // `@ | name`, `@.name`: the scope as a value; names that are loaded on demand are not in it yet.
  const found = evaluation.scope.isRoot(value) ? evaluation.scope.get(name) : undefined;
  return found ?? miss(evaluation, name, value, offset);
}

function chain(leftNode: Node, rightNode: Node, context: CompileContext, root: boolean): Run {
  const left = compileNode(leftNode, context, root);
  const right = compileNode(rightNode, context, root && isCurrent(leftNode));
  return (value, evaluation) => {
    const found = left(value, evaluation);
    return found === MISSING ? MISSING : right(found, evaluation);
  };
}

function index(position: number): Run {
  return (value) => (Array.isArray(value) ? ((value.at(position) as Item | undefined) ?? null) : null);
}

function slice(parts: SliceParts): Run {
  return (value, evaluation) => {
    if (!Array.isArray(value)) return null;
    const step = parts.step ?? 1;
    if (step === 0) throw new ConditionError("the step of a slice cannot be 0", { code: "badText" });
    const { length } = value;
    const start = parts.start === undefined ? (step < 0 ? length - 1 : 0) : bound(parts.start, length, step);
    const stop = parts.stop === undefined ? (step < 0 ? -1 : length) : bound(parts.stop, length, step);
    const result: Value[] = [];
    for (let at = start; step > 0 ? at < stop : at > stop; at += step) result.push(value[at]);
    checkList(evaluation.budget, result.length);
    return result;
  };
}

function bound(position: number, length: number, step: number): number {
  if (position < 0) return Math.max(position + length, step < 0 ? -1 : 0);
  return position >= length ? (step < 0 ? length - 1 : length) : position;
}

function compileOperator(
  node: Kind<"or" | "and" | "not" | "compare" | "arithmetic">,
  context: CompileContext,
  root: boolean,
): Run {
  if (node.kind === "not") {
    const operand = compileNode(node.operand, context, root);
    return (value, evaluation) => isFalse(orNull(operand(value, evaluation)));
  }
  const left = compileNode(node.left, context, root);
  const right = compileNode(node.right, context, root);
  switch (node.kind) {
    case "or":
      return (value, evaluation) => {
        const found = orNull(left(value, evaluation));
        return isFalse(found) ? orNull(right(value, evaluation)) : found;
      };
    case "and":
      return (value, evaluation) => {
        const found = orNull(left(value, evaluation));
        return isFalse(found) ? found : right(value, evaluation);
      };
    case "compare":
      return (value, evaluation) => {
        const first = orNull(left(value, evaluation));
        return compare(node.operator, first, orNull(right(value, evaluation)), evaluation);
      };
    case "arithmetic":
      return (value, evaluation) => {
        const first = orNull(left(value, evaluation));
        return atOffset(node.offset, () =>
          arithmetic(node.operator, first, orNull(right(value, evaluation))),
        );
      };
  }
}

function compare(operator: Comparison, left: Item, right: Item, evaluation: Evaluation): Item {
  if (operator === "eq") return deepEqual(left, right, evaluation);
  if (operator === "ne") return !deepEqual(left, right, evaluation);
  if (typeof left !== "number" || typeof right !== "number") return null;
  if (operator === "lt") return left < right;
  if (operator === "lte") return left <= right;
  return operator === "gt" ? left > right : left >= right;
}

/** Errors that are none of go-jmespath's: a budget that ran out, what it crashes at, and what is refused only here. */
const lasting: ReadonlySet<string> = new Set(["limitExceeded", "undefinedInKyverno", "unsupported"]);

/** go-jmespath turns every error on the left of `[?]`, `[]` and `.*` into null. */
function tolerant(run: Run): Run {
  return (value, evaluation) => {
    try {
      return orNull(run(value, evaluation));
    } catch (error) {
      if (error instanceof ConditionError && !lasting.has(error.code)) return null;
      throw error;
    }
  };
}

function compileProjection(
  node: Kind<"projection" | "valueProjection" | "filter" | "flatten">,
  context: CompileContext,
  root: boolean,
): Run {
  if (node.kind === "flatten") return flatten(tolerant(compileNode(node.operand, context, root)));
  const right = compileNode(node.right, context, false);
  const left = compileNode(node.left, context, root);
  if (node.kind === "projection") {
    return (value, evaluation) => {
      const list = orNull(left(value, evaluation));
      return Array.isArray(list) ? project(list, right, evaluation) : null;
    };
  }
  const soft = tolerant(left);
  const standard = context.mode === "standard";
  if (node.kind === "valueProjection") {
    return (value, evaluation) => {
      const object = soft(value, evaluation);
      if (!isObject(object)) return null;
      const values = Object.values(object);
      // go-jmespath visits as many nulls as there are keys before the values.
      return project(standard ? values : [...values.map(() => null), ...values], right, evaluation);
    };
  }
  const condition = compileNode(node.condition, context, false);
  return (value, evaluation) => {
    const list = soft(value, evaluation);
    return Array.isArray(list) ? filter(list, condition, right, evaluation) : null;
  };
}

function project(list: readonly Value[], right: Run, evaluation: Evaluation): Item {
  checkList(evaluation.budget, list.length);
  const result: Value[] = [];
  for (const element of list) {
    const item = orNull(right(element, evaluation));
    if (item !== null) result.push(item as Value);
  }
  return result;
}

function filter(list: readonly Value[], condition: Run, right: Run, evaluation: Evaluation): Item {
  checkList(evaluation.budget, list.length);
  const result: Value[] = [];
  for (const element of list) {
    if (isFalse(orNull(condition(element, evaluation)))) continue;
    const item = orNull(right(element, evaluation));
    if (item !== null) result.push(item as Value);
  }
  return result;
}

function flatten(operand: Run): Run {
  return (value, evaluation) => {
    const list = orNull(operand(value, evaluation));
    if (!Array.isArray(list)) return null;
    const result: Value[] = [];
    for (const element of list) {
      checkList(evaluation.budget, Array.isArray(element) ? element.length : 1);
      if (Array.isArray(element)) for (const item of element) result.push(item);
      else result.push(element);
    }
    return result;
  };
}

function compileConstruction(
  node: Kind<"list" | "hash" | "call" | "reference">,
  context: CompileContext,
  root: boolean,
): Run {
  switch (node.kind) {
    case "list": {
      const items = node.items.map((item) => compileNode(item, context, root));
      return (value, evaluation) => {
        if ((root ? evaluation.scope.root() : value) === null) return null;
        spend(evaluation.budget, items.length);
        return items.map((item) => orNull(item(value, evaluation)) as Value);
      };
    }
    case "hash": {
      const entries = node.entries.map(([key, item]) => [key, compileNode(item, context, root)] as const);
      return (value, evaluation) => {
        if ((root ? evaluation.scope.root() : value) === null) return null;
        spend(evaluation.budget, entries.length);
        const object: Record<string, Value> = {};
        for (const [key, item] of entries) {
          setOwn(object, holeKey(key, evaluation), orNull(item(value, evaluation)) as Value);
        }
        return object;
      };
    }
    case "call":
      return call(node, context, root);
    case "reference": {
      const operand = compileNode(node.operand, context, false);
      return () => operand;
    }
  }
}

function call(node: Kind<"call">, context: CompileContext, root: boolean): Run {
  const { name, offset } = node;
  const args = node.args.map((arg) => compileNode(arg, context, root));
  const found = context.functions.get(name);
  return (value, evaluation) => {
    spend(evaluation.budget, 1 + args.length);
    const values = args.map((arg) => orNull(arg(value, evaluation)));
    return atOffset(offset, () => {
      // As in Kyverno, an unknown function is an error where it is called, not where it is written.
      if (found === undefined) throw unknownFunction(name, context.functions);
      return callFunction(name, found, values, evaluation);
    });
  };
}

function atOffset<T>(offset: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ConditionError && error.offset === undefined) throw located(error, { offset });
    throw error;
  }
}

function compileHole(
  node: Kind<"holeField" | "holeString" | "holeLiteral" | "holeIndex">,
  context: CompileContext,
  root: boolean,
): Run {
  switch (node.kind) {
    case "holeString":
      return (_value, evaluation) => holeString(node.text, evaluation);
    case "holeLiteral":
      return (_value, evaluation) => holeLiteral(node.text, evaluation);
    case "holeIndex":
      return (value, evaluation) => index(holeIndex(node.text, node.negative, evaluation))(value, evaluation);
    case "holeField":
      return (value, evaluation) => {
        const { text, place } = node;
        const name = place === "quoted" ? holeString(text, evaluation) : holeName(text, place, evaluation);
        if (typeof name !== "string") return name;
        const run = root ? rootField(name, node.offset, context) : field(name, node.offset, context);
        return run(value, evaluation);
      };
  }
}
