import { hasWildcard, wildcardMatch } from "@assay/image";
import type { LabelSelector } from "./model.ts";

/**
 * Whether labels satisfy a selector. Wildcards in `matchLabels` hold for any pair of labels, as in Kyverno
 * (kyverno/pkg/engine/wildcards); `matchExpressions` are Kubernetes' own.
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
