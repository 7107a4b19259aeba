import { hasWildcard, type ImageReference, selectionTexts, selects } from "@assay/image";
import type { Policy, ResourceFilter, Rule } from "../model.ts";
import { ownText } from "../own-field.ts";
import { parseKindSelector } from "./kind-selector.ts";
import { isOfKind, type MatchRequest, resourceKind } from "./match-rule.ts";

/** A rule that may have something to say about a request, with its policy. */
export interface RuleCandidate {
  readonly policy: Policy;
  readonly rule: Rule;
}

export interface PolicyIndex {
  /**
   * The rules that can match the request by its kind and namespace and, where `images` (the built-in extraction) are
   * given, by their image references. In the order of the policies. Never leaves out a rule that `matchRule` and
   * `selectImage` would let through; some that are left in may still not match. An object that names no namespace may
   * be of any.
   */
  readonly candidates: (
    request: Pick<MatchRequest, "resource" | "subresource">,
    images?: readonly ImageReference[],
  ) => readonly RuleCandidate[];
}

/** Prepares look-ups whose cost grows with the rules that match, not with those that are loaded. */
export function indexPolicies(policies: readonly Policy[]): PolicyIndex {
  const rules: readonly RuleCandidate[] = policies.flatMap((policy) =>
    policy.rules.map((rule) => ({ policy, rule })),
  );
  const cases = new Map<string, Map<string | undefined, Shelf>>();
  for (const [position, { policy, rule }] of rules.entries()) {
    for (const kind of kindsOf(rule)) {
      const shelves = cases.get(kind) ?? new Map<string | undefined, Shelf>();
      cases.set(kind, shelves);
      const shelf = shelves.get(policy.namespace) ?? emptyShelf();
      shelves.set(policy.namespace, shelf);
      put(shelf, position, { rule, kind });
    }
  }
  return {
    candidates(request, images) {
      const resource = resourceKind(request);
      const { kind } = resource;
      const namespace = ownText(request.resource, "metadata", "namespace");
      const found = new Set<number>();
      for (const shelfKind of [kind, anyKind]) {
        const shelves = cases.get(shelfKind);
        const scopes = namespace === "" ? [...(shelves?.keys() ?? [])] : [undefined, namespace];
        for (const scope of scopes) {
          const shelf = shelves?.get(scope);
          if (shelf !== undefined) take(shelf, images, found);
        }
      }
      const ordered = [...found].sort((a, b) => a - b);
      return ordered.flatMap((position) => {
        const candidate = rules[position];
        if (candidate === undefined || !isOfKind(candidate.rule.match, resource)) return [];
        return speaksOf(candidate.rule, kind, images) ? [candidate] : [];
      });
    },
  };
}

/** All rules of one kind and scope, by what their image references begin with. */
interface Shelf {
  readonly all: number[];
  readonly prefixes: Map<string, number[]>;
  readonly lengths: Set<number>;
}

const anyKind = "*";

function emptyShelf(): Shelf {
  return { all: [], prefixes: new Map(), lengths: new Set() };
}

function put(shelf: Shelf, position: number, { rule, kind }: { rule: Rule; kind: string }): void {
  shelf.all.push(position);
  // Extractors find other images than the built-in ones: such a rule is a candidate whatever the images are.
  const prefixes = extracts(rule, kind)
    ? [""]
    : rule.verifyImages.flatMap((one) => one.imageReferences.map(prefixOf));
  for (const prefix of new Set(prefixes)) {
    shelf.lengths.add(prefix.length);
    const positions = shelf.prefixes.get(prefix);
    if (positions === undefined) shelf.prefixes.set(prefix, [position]);
    else positions.push(position);
  }
}

function take(shelf: Shelf, images: readonly ImageReference[] | undefined, found: Set<number>): void {
  if (images === undefined) {
    for (const position of shelf.all) found.add(position);
    return;
  }
  const texts = new Set(["", ...images.flatMap(selectionTexts)]);
  for (const text of texts) {
    for (const length of shelf.lengths) {
      if (length > text.length) continue;
      for (const position of shelf.prefixes.get(text.slice(0, length)) ?? []) found.add(position);
    }
  }
}

function speaksOf(rule: Rule, kind: string, images: readonly ImageReference[] | undefined): boolean {
  if (images === undefined || extracts(rule, kind) || extracts(rule, anyKind)) return true;
  return rule.verifyImages.some((entry) =>
    entry.imageReferences.some((pattern) => images.some((image) => selects(pattern, image))),
  );
}

function extracts(rule: Rule, kind: string): boolean {
  if (kind === anyKind) return Object.keys(rule.imageExtractors).length > 0;
  return Object.hasOwn(rule.imageExtractors, kind);
}

function prefixOf(pattern: string): string {
  const end = pattern.search(/[*?]/);
  return end < 0 ? pattern : pattern.slice(0, end);
}

/** The kinds that a rule can match, or `*` where that cannot be told from names. */
function kindsOf({ match }: Rule): ReadonlySet<string> {
  const perFilter = match.filters.map(filterKinds);
  // `all`: every filter must hold, so any one of them bounds the kinds.
  return match.mode === "all"
    ? (perFilter.find((kinds) => !kinds.has(anyKind)) ?? new Set([anyKind]))
    : union(perFilter);
}

function filterKinds({ kinds }: ResourceFilter): ReadonlySet<string> {
  if (kinds === undefined) return new Set([anyKind]);
  return new Set(
    kinds.map((text) => {
      const { kind } = parseKindSelector(text);
      return hasWildcard(kind) ? anyKind : kind;
    }),
  );
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  const all = new Set(sets.flatMap((set) => [...set]));
  return all.has(anyKind) ? new Set([anyKind]) : all;
}
