import { ConditionError } from "../condition-error.ts";
import { isObject, setOwn, type Value } from "../json.ts";
import { type Budget, checkDepth, spend } from "../limits.ts";

/** Called with every leaf and every key; the path of a key is that of the object it stands in. */
export type LeafAction = (value: Value, path: string) => Value;

/**
 * The same document with every leaf and key replaced by what the action makes of it. As in Kyverno, null keeps a key
 * as it is, and the path is written with slashes, a slash inside a key as `\/`. Throws `badKey` when a key becomes
 * something else than text.
 */
export function mapLeaves(document: Value, budget: Budget, action: LeafAction): Value {
  return visit(document, "", 0, { budget, action });
}

interface Visit {
  readonly budget: Budget;
  readonly action: LeafAction;
}

function visit(value: Value, path: string, depth: number, context: Visit): Value {
  checkDepth(context.budget.limits, depth);
  spend(context.budget, 1);
  if (Array.isArray(value)) {
    return value.map((item, index) => visit(item, `${path}/${index}`, depth + 1, context));
  }
  if (!isObject(value)) return context.action(value, path);
  const object: Record<string, Value> = {};
  for (const [key, item] of Object.entries(value)) {
    const newKey = context.action(key, path) ?? key;
    if (typeof newKey !== "string") {
      throw new ConditionError(`the key \`${key}\` does not become text`, { code: "badKey", path, key });
    }
    setOwn(object, newKey, visit(item, `${path}/${key.replaceAll("/", "\\/")}`, depth + 1, context));
  }
  return object;
}
