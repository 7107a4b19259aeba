import { wildcardMatch } from "@assay/image";

/** Group, version, kind and subresource, each a wildcard pattern. */
export interface KindSelector {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly subresource: string;
}

const versionPattern = /^(?:v\d+(?:(?:alpha|beta)\d+)?|\*)$/;

/** Reads `Kind`, `version/Kind`, `group/version/Kind`, each also with a subresource (kyverno/pkg/utils/kube/kind.go). */
export function parseKindSelector(text: string): KindSelector {
  const slashes = text.split("/");
  const parts = [...slashes.slice(0, -1), ...(slashes.at(-1) ?? "").split(".")];
  const [a = "", b = "", c = "", d = ""] = parts;
  const selector = (group: string, version: string, kind: string, subresource: string): KindSelector => ({
    group,
    version,
    kind,
    subresource,
  });
  switch (parts.length) {
    case 1:
      return selector("*", "*", a, "");
    case 2:
      // `*/pods`, `*/*`: of anything, that subresource.
      if (a === "*" && b.toLowerCase() === b) return selector("*", "*", a, b);
      return versionPattern.test(a) ? selector("*", a, b, "") : selector("*", "*", a, b);
    case 3:
      return versionPattern.test(a) ? selector("*", a, b, c) : selector(a, b, c, "");
    case 4:
      return selector(a, b, c, d);
    default:
      return selector("", "", "", "");
  }
}

/** What a request is about: `apps`, `v1`, `Deployment`, ``. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly subresource: string;
}

/**
 * Whether one of the selectors matches. A selector of Pods also matches their ephemeral containers, which would
 * otherwise be a way around it (kyverno/pkg/utils/match/kind.go).
 */
export function matchesKind(selectors: readonly string[], resource: ResourceKind): boolean {
  const { group, version, kind, subresource } = resource;
  const isEphemeral =
    group === "" && version === "v1" && kind === "Pod" && subresource === "ephemeralcontainers";
  return parsed(selectors).some(
    (selector) =>
      wildcardMatch(selector.group, group) &&
      wildcardMatch(selector.version, version) &&
      wildcardMatch(selector.kind, kind) &&
      (isEphemeral || wildcardMatch(selector.subresource, subresource)),
  );
}

const known = new WeakMap<readonly string[], readonly KindSelector[]>();

/** Read once for each policy, not for each request: what was loaded is frozen. */
function parsed(selectors: readonly string[]): readonly KindSelector[] {
  const read = known.get(selectors) ?? selectors.map(parseKindSelector);
  if (Object.isFrozen(selectors)) known.set(selectors, read);
  return read;
}
