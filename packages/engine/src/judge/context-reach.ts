import type { Policy } from "@assay/policy";
import { UnavailableContext } from "../gather/answer-book.ts";
import type { ContextLookup } from "../gather/lookup.ts";
import { withoutUserInfo } from "../gather/without-user-info.ts";

/**
 * INVARIANT: a namespaced Policy reads its own namespace alone, as in Kyverno (CVE-2026-22039). Whoever may create one need
 * not be allowed to read what we can: other namespaces, what has none, and what answers us in the cluster's network.
 * Throws `UnavailableContext`, which nothing opens and for which no `default` stands in.
 */
export function checkReach(lookup: ContextLookup, policy: Policy): void {
  const own = policy.kind === "Policy" ? policy.namespace : undefined;
  if (own === undefined) return;
  const what = outside(lookup, own);
  if (what === undefined) return;
  throw new UnavailableContext(`failed to load context: a Policy in \`${own}\` may not ${what}`, false);
}

/** What of the lookup a Policy of this namespace may not do. */
function outside(lookup: ContextLookup, own: string): string | undefined {
  switch (lookup.kind) {
    case "configMap":
      if (lookup.namespace === own) return undefined;
      return `read ConfigMap \`${lookup.namespace}/${lookup.name}\``;
    case "apiCall":
      if (/^https?:/i.test(lookup.url)) return `call services: \`${withoutUserInfo(lookup.url)}\``;
      return isInNamespace(lookup.url, own) ? undefined : `read \`${lookup.url}\`, only what is in it`;
    case "globalContext":
      return `read global context entries: \`${lookup.name}\``;
    case "secret":
      return undefined;
  }
}

/** Whether the path names the namespace or something in it, however it is read: nothing in it is decoded or cleaned up. */
function isInNamespace(url: string, own: string): boolean {
  const path = url.replace(/[?#].*$/s, "");
  const isPlain = path.split("/").every((part, index) => index === 0 || /^(?!\.{1,2}$)[\w.:~-]+$/.test(part));
  const named = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/namespaces\/([^/]+)(?:\/|$)/.exec(path)?.[1];
  return isPlain && named === own;
}
