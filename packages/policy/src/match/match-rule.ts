import { wildcardMatch } from "@assay/image";
import type { JsonObject, Operation, Policy, ResourceFilter, ResourceMatch, Rule } from "../model.ts";
import { ownPairs, ownText } from "../own-field.ts";
import { matchesKind, type ResourceKind } from "./kind-selector.ts";
import { matchesSelector } from "./label-selector.ts";

/** What is known of a request when rules are matched. An `EvaluationRequest` of the engine is one. */
export interface MatchRequest {
  /** The object; for a DELETE the one that goes. Its `metadata.namespace` must be filled in. */
  readonly resource: JsonObject;
  /** Default `CREATE`. */
  readonly operation?: Operation;
  readonly subresource?: string;
  /** Absent: there was no admission request, and `match` asks nothing about users. */
  readonly userInfo?: UserInfo;
  /**
   * Labels of the resource's namespace; absent: not known. Then every `namespaceSelector` of `match` holds, and none of
   * `exclude` or of an exception: what is not known may make a rule apply, but never let anything past it.
   */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
}

export interface UserInfo {
  readonly username?: string;
  readonly groups?: readonly string[];
  /** Absent: not known, as namespace labels; empty: the user has none. */
  readonly roles?: readonly string[];
  readonly clusterRoles?: readonly string[];
}

export type RuleMatch =
  | { readonly matched: true }
  | {
      readonly matched: false;
      /** Why not, for the trace: every attribute that did not hold. */
      readonly reason: string;
      /** Field path of the block that decided. */
      readonly path: string;
      /** The rule is about objects of this kind: it is something else that did not hold. */
      readonly isOfKind: boolean;
    };

/** Whether a rule applies to a request (kyverno/pkg/engine/utils/match.go). `exclude` is asked only after `match`. */
export function matchRule(
  rule: Rule,
  request: MatchRequest,
  policy: Pick<Policy, "kind" | "namespace">,
): RuleMatch {
  const { match, exclude } = rule;
  const unmatched = (reason: string, path: string): RuleMatch => ({
    ...{ matched: false, reason, path },
    isOfKind: isOfKind(match, resourceKind(request)),
  });
  const namespace = ownText(request.resource, "metadata", "namespace");
  if (policy.kind === "Policy" && policy.namespace !== namespace) {
    const reason = `policy and resource namespaces mismatch: the policy is for \`${policy.namespace ?? ""}\`, the resource is in \`${namespace}\``;
    return unmatched(reason, "metadata.namespace");
  }
  const reason = whyNotMatched(match, request);
  if (reason !== undefined) return unmatched(reason, match.path);
  if (exclude !== undefined && isExcluded(exclude, request)) {
    const text =
      exclude.mode === "any"
        ? "resource excluded since one of the criteria excluded it"
        : "resource excluded since the combination of all criteria exclude it";
    return unmatched(text, exclude.path);
  }
  return { matched: true };
}

/** Whether a `match` block can hold for objects of this kind. */
export function isOfKind({ mode, filters }: ResourceMatch, resource: ResourceKind): boolean {
  const holds = ({ kinds }: ResourceFilter): boolean => kinds === undefined || matchesKind(kinds, resource);
  return mode === "any" ? filters.some(holds) : filters.every(holds);
}

/** Whether a rule's `match` block holds: the reasons why not, or undefined. */
function whyNotMatched(match: ResourceMatch, request: MatchRequest): string | undefined {
  // Without an admission request there is no user to ask about (matchesResourceDescriptionMatchHelper).
  const known = knowsUser(request);
  const filters = known ? match.filters : match.filters.map(withoutUser);
  return whyNoFilter({ ...match, filters }, request, "holds");
}

/** What a question comes to about facts that are not known: roles, and labels of namespaces. */
type Unknown = "holds" | "fails";

/**
 * The same for a block that lets something through (an exception): users are asked about even where none is known,
 * because leaving that out would let more through.
 */
export function whyNoFilter(
  match: ResourceMatch,
  request: MatchRequest,
  unknown: Unknown = "fails",
): string | undefined {
  const reasons = match.filters.map((filter) => filterReasons(filter, request, unknown));
  if (reasons.length === 0) return "match cannot be empty";
  const all = reasons.flat().join("; ");
  if (match.mode === "all") return all === "" ? undefined : all;
  if (reasons.some((one) => one.length === 0)) return undefined;
  return reasons.length === 1 ? all : `no resource matched: ${all}`;
}

function isExcluded(exclude: ResourceMatch, request: MatchRequest): boolean {
  const excludes = (filter: ResourceFilter): boolean =>
    !isEmpty(filter) && filterReasons(filter, request, "fails").length === 0;
  if (exclude.filters.length === 0) return false;
  return exclude.mode === "any" ? exclude.filters.some(excludes) : exclude.filters.every(excludes);
}

function isEmpty(filter: ResourceFilter): boolean {
  return Object.keys(filter).length === 0;
}

function knowsUser({ userInfo }: MatchRequest): boolean {
  const { username = "", groups = [], roles = [], clusterRoles = [] } = userInfo ?? {};
  return username !== "" || groups.length + roles.length + clusterRoles.length > 0;
}

function withoutUser({
  roles: _,
  clusterRoles: __,
  subjects: ___,
  ...filter
}: ResourceFilter): ResourceFilter {
  return filter;
}

/** Every attribute of the filter that does not hold; none: it matches. */
function filterReasons(filter: ResourceFilter, request: MatchRequest, unknown: Unknown): readonly string[] {
  if (isEmpty(filter)) return ["match cannot be empty"];
  const operation = request.operation ?? "CREATE";
  if (filter.operations !== undefined && !filter.operations.includes(operation)) {
    return [`operation does not match: \`${operation}\` is none of ${filter.operations.join(", ")}`];
  }
  return [
    ...resourceReasons(filter, request, unknown),
    ...userReasons(filter, request.userInfo ?? {}, unknown),
  ];
}

function resourceReasons(filter: ResourceFilter, request: MatchRequest, unknown: Unknown): readonly string[] {
  const { resource } = request;
  const { kinds, names, namespaces, annotations, selector, namespaceSelector } = filter;
  const reasons: string[] = [];
  const kind = resourceKind(request);
  if (kinds !== undefined && !matchesKind(kinds, kind)) {
    reasons.push(`kind does not match: \`${kindText(kind)}\` is none of ${kinds.join(", ")}`);
  }
  const name = ownText(resource, "metadata", "name") || ownText(resource, "metadata", "generateName");
  if (names !== undefined && !names.some((pattern) => wildcardMatch(pattern, name))) {
    reasons.push(`none of the names match: \`${name}\` is none of ${names.join(", ")}`);
  }
  const isNamespace = kind.kind === "Namespace";
  const namespace = isNamespace
    ? ownText(resource, "metadata", "name")
    : ownText(resource, "metadata", "namespace");
  if (namespaces !== undefined && !namespaces.some((pattern) => wildcardMatch(pattern, namespace))) {
    reasons.push(`namespace does not match: \`${namespace}\` is none of ${namespaces.join(", ")}`);
  }
  if (
    annotations !== undefined &&
    !matchesAnnotations(annotations, ownPairs(resource, "metadata", "annotations"))
  ) {
    reasons.push("annotations does not match");
  }
  const labels = Object.fromEntries(ownPairs(resource, "metadata", "labels"));
  if (selector !== undefined && !matchesSelector(selector, labels)) reasons.push("selector does not match");
  if (namespaceSelector !== undefined && isNamespace) {
    reasons.push("namespace selector is not applicable for namespace resource");
  } else if (namespaceSelector !== undefined) {
    const { namespaceLabels } = request;
    if (namespaceLabels === undefined) {
      if (unknown === "fails") {
        reasons.push(
          `namespace selector does not match labels: those of namespace \`${namespace}\` are not known`,
        );
      }
    } else if (!matchesSelector(namespaceSelector, namespaceLabels)) {
      reasons.push("namespace selector does not match labels");
    }
  }
  return reasons;
}

/** Group, version, kind and subresource of a request. */
export function resourceKind({
  resource,
  subresource = "",
}: Pick<MatchRequest, "resource" | "subresource">): ResourceKind {
  const apiVersion = ownText(resource, "apiVersion");
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind: ownText(resource, "kind"),
    subresource,
  };
}

function kindText({ group, version, kind, subresource }: ResourceKind): string {
  return [...(group === "" ? [] : [group]), version, kind, ...(subresource === "" ? [] : [subresource])].join(
    "/",
  );
}

function matchesAnnotations(
  wanted: Readonly<Record<string, string>>,
  actual: readonly (readonly [string, string])[],
): boolean {
  return Object.entries(wanted).every(([key, value]) =>
    actual.some(([name, text]) => wildcardMatch(key, name) && wildcardMatch(value, text)),
  );
}

function userReasons(filter: ResourceFilter, user: UserInfo, unknown: Unknown): readonly string[] {
  const { roles, clusterRoles, subjects } = filter;
  const reasons: string[] = [];
  const has = (held: readonly string[] | undefined, wanted: readonly string[]): boolean =>
    held === undefined ? unknown === "holds" : wanted.some((role) => held.includes(role));
  if (roles !== undefined && !has(user.roles, roles)) {
    reasons.push("user info does not match roles for the given conditionBlock");
  }
  if (clusterRoles !== undefined && !has(user.clusterRoles, clusterRoles)) {
    reasons.push("user info does not match clustersRoles for the given conditionBlock");
  }
  if (subjects !== undefined && !subjects.some((subject) => matchesSubject(subject, user, unknown))) {
    reasons.push("user info does not match subject for the given conditionBlock");
  }
  return reasons;
}

type Subject = NonNullable<ResourceFilter["subjects"]>[number];

function matchesSubject(
  { kind, name, namespace }: Subject,
  { username = "", groups = [] }: UserInfo,
  unknown: Unknown,
): boolean {
  // Who is not known is nobody that may be let past, whatever the pattern.
  if (kind !== "Group" && username === "" && unknown === "fails") return false;
  if (kind === "User") return wildcardMatch(name, username);
  if (kind === "Group") return groups.some((group) => wildcardMatch(name, group));
  return (
    kind === "ServiceAccount" && wildcardMatch(`system:serviceaccount:${namespace ?? ""}:${name}`, username)
  );
}
