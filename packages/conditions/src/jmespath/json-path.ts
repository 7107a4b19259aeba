import { JSONPath } from "jsonpath-plus";
import { ConditionError } from "../condition-error.ts";
import type { Evaluation, Item } from "../functions/evaluation.ts";
import { isObject, type Value } from "../json.ts";
import { checkList, spend } from "../limits.ts";

const MAX_LENGTH = 1_024;

/**
 * A JSONPath expression, e.g. `$.materials[*].uri`: the list of what it finds. Filters and scripts, `?()` and `()`,
 * are refused: nothing of the expression or the data is ever evaluated as code.
 */
export function queryJsonPath(path: string, root: Item, evaluation: Evaluation): Item {
  if (path.length > MAX_LENGTH)
    throw refused(`the JSONPath expression is longer than ${MAX_LENGTH} characters`);
  const json = withNames(path, root, evaluation);
  // jsonpath-plus has no limits of its own: the work is bounded by the size of the document for every segment.
  spend(evaluation.budget, countNodes(json, evaluation, 0) * (1 + (path.match(/\.\.|\*/g)?.length ?? 0)));
  const found = search(path, json);
  const list = Array.isArray(found) ? (found as Value[]) : [];
  checkList(evaluation.budget, list.length);
  return list;
}

function search(path: string, json: Item): unknown {
  try {
    return JSONPath({
      path,
      json: json as object,
      eval: false,
      wrap: true,
      flatten: false,
      resultType: "value",
    });
  } catch (cause) {
    if (cause instanceof ConditionError) throw cause;
    throw new ConditionError(
      "syntax error: the JSONPath expression is not supported",
      { code: "syntax", offset: 0 },
      cause,
    );
  }
}

function refused(message: string): ConditionError {
  return new ConditionError(message, { code: "limitExceeded" });
}

/** The scope as a value, plus the first name of the path, which may have to be loaded. */
function withNames(path: string, root: Item, evaluation: Evaluation): Item {
  const name = jsonPathRoot(path);
  if (name === undefined || !isObject(root) || !evaluation.scope.isRoot(root)) return root;
  const value = evaluation.scope.get(name);
  return value === undefined ? {} : { [name]: value };
}

/** The root name that a path starts with; `undefined` when it may be any of them. */
export function jsonPathRoot(path: string): string | undefined {
  const match = /^\$(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\[["']([^"'\]]+)["']\])/.exec(path);
  return match?.[1] ?? match?.[2];
}

function countNodes(value: Item, evaluation: Evaluation, depth: number): number {
  if (typeof value !== "object" || value === null) return 1;
  if (depth > evaluation.budget.limits.depth) throw refused("the document nests too deep for JSONPath");
  const children: readonly Value[] = Array.isArray(value) ? value : Object.values(value);
  let count = 1;
  for (const child of children) {
    count += countNodes(child, evaluation, depth + 1);
    if (count > evaluation.budget.limits.steps) throw refused("the document is too large for JSONPath");
  }
  return count;
}
