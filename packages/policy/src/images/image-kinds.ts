import { wildcardMatch } from "@assay/image";
import { type KindSelector, parseKindSelector } from "../match/kind-selector.ts";
import type { ResourceFilter, Rule } from "../model.ts";
import { builtInKinds } from "./extract-images.ts";

/** Objects that a rule can match and find images in: one kind; group, version and subresource are wildcard patterns. */
export type ImageKind = KindSelector;

/**
 * What has to be sent to whoever judges by this rule. Kinds without images (no built-in extraction, and none of the
 * rule's own) are left out, whatever `match` names: the rule says nothing about them.
 */
export function imageKinds({ match, imageExtractors }: Rule): readonly ImageKind[] {
  const withImages = [...new Set([...builtInKinds, ...Object.keys(imageExtractors)])];
  return selectorsOf(match).flatMap((text) => {
    const selector = parseKindSelector(text);
    return withImages
      .filter((kind) => wildcardMatch(selector.kind, kind))
      .map((kind) => ({ ...selector, kind }));
  });
}

/** `all`: every filter must hold, so those of any one that names kinds are all that can match. */
function selectorsOf({ mode, filters }: Rule["match"]): readonly string[] {
  const named = filters.map(({ kinds }: ResourceFilter) => kinds ?? ["*"]);
  if (mode === "any") return [...new Set(named.flat())];
  return filters.find(({ kinds }) => kinds !== undefined)?.kinds ?? ["*"];
}
