import { hasWildcard, wildcardMatch } from "@assay/image";
import type { LabelSelector } from "../model.ts";

/**
 * Whether labels satisfy a selector. Wildcards in `matchLabels` hold for any pair of labels, as in Kyverno
 * (kyverno/pkg/engine/wildcards); `matchExpressions` are Kubernetes' own, which know no wildcards: with a key or value
 * that no label can have, the selector holds for nothing.
 */
export function matchesSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const pairs = Object.entries(labels);
  const has = (key: string): boolean => Object.hasOwn(labels, key);
  const wanted = Object.entries(selector.matchLabels ?? {});
  const named = wanted.every(([key, value]) => {
    if (!hasWildcard(key) && !hasWildcard(value)) return has(key) && labels[key] === value;
    return pairs.some(([name, text]) => wildcardMatch(key, name) && wildcardMatch(value, text));
  });
  if (!named) return false;
  return (selector.matchExpressions ?? []).every((expression) => holds(expression, labels));
}

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];

function holds(
  { key, operator, values = [] }: Expression,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (!isLabelKey(key) || !values.every(isLabelValue)) return false;
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

const labelName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const subdomain = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** Whether a label may be called that: `app`, `example.com/app`. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = key.slice(0, Math.max(slash, 0));
  return (
    labelName.test(key.slice(slash + 1)) && (slash < 0 || (prefix.length <= 253 && subdomain.test(prefix)))
  );
}

/** Whether a label may have that value; it may be empty. */
export function isLabelValue(value: string): boolean {
  return value === "" || labelName.test(value);
}
