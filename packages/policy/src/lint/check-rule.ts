import { builtInKinds } from "../images/extract-images.ts";
import { parseKindSelector } from "../match/kind-selector.ts";
import type { ResourceFilter, Rule } from "../model.ts";
import { type At, found, type Linting } from "./report-finding.ts";

/** Whether the rule can apply to anything, and to all that it should. */
export function checkRule(linting: Linting, at: At): void {
  const { rule } = at;
  if (rule === undefined) return;
  const here: At = { ...at, path: rule.match.path };
  for (const kind of unknownKinds(rule)) {
    const message = `no images are known of \`${kind}\``;
    found(linting, "kinds-without-images", here, { message });
  }
  if (excludesAll(rule)) {
    const message = "what `exclude` names covers what `match` names";
    found(linting, "rule-never-matches", { ...at, path: rule.exclude?.path ?? rule.path }, { message });
  }
  const onlyCreate = rule.match.filters.every(
    ({ operations }) => operations !== undefined && !operations.includes("UPDATE"),
  );
  if (onlyCreate && rule.match.filters.length > 0) {
    const message = "`operations` has no UPDATE";
    found(linting, "ephemeral-containers-operation", here, { message });
  }
}

function unknownKinds(rule: Rule): readonly string[] {
  const kinds = new Set(rule.match.filters.flatMap((filter) => filter.kinds ?? []));
  return [...kinds].filter((text) => {
    const { kind } = parseKindSelector(text);
    return !/[*?]/.test(kind) && !builtInKinds.includes(kind) && !Object.hasOwn(rule.imageExtractors, kind);
  });
}

/** Only what can be told from the filters themselves: each one that matches is among those that exclude. */
function excludesAll({ match, exclude }: Rule): boolean {
  if (exclude === undefined || exclude.filters.length === 0) return false;
  const excluding = exclude.mode === "any" || exclude.filters.length === 1 ? exclude.filters : [];
  return match.filters.every((filter) => excluding.some((one) => covers(one, filter)));
}

function covers(wide: ResourceFilter, narrow: ResourceFilter): boolean {
  if (Object.keys(wide).length === 0) return false;
  return Object.entries(wide).every(([name, wanted]) => {
    const given = narrow[name as keyof ResourceFilter];
    if (!Array.isArray(wanted) || !Array.isArray(given))
      return JSON.stringify(wanted) === JSON.stringify(given);
    return given.every((one) => wanted.some((other) => JSON.stringify(one) === JSON.stringify(other)));
  });
}
