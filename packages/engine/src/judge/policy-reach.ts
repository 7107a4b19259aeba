import type { ContextEntry, Policy } from "@assay/policy";
import { UnavailableContext } from "../gather/answer-book.ts";

type ApiCall = Extract<ContextEntry, { kind: "apiCall" }>;

/** The namespace whose objects a policy may read; undefined: those of all. */
export function ownNamespace({ kind, namespace }: Policy): string | undefined {
  return kind === "Policy" ? namespace : undefined;
}

/** `/api/VERSION/namespaces/NAME…` or `/apis/GROUP/VERSION/namespaces/NAME…`. */
const namespaced = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/namespaces\/([^/]+)(?:\/|$)/;
/** What a URL parser makes another path of: dot segments, encoded ones, backslashes, whitespace that it drops. */
const rewritten = /[^\x21-\x7e]|[%\\]|\/\/|\/\.{1,2}(?:\/|$)/;

/**
 * INVARIANT: a Policy reads by API calls what is in its own namespace, whatever our credentials may read: else whoever may write
 * one in any namespace would read every other namespace's objects by it. No default stands in for what it may not read.
 */
export function checkReach(call: ApiCall, policy: Policy, path: string): void {
  const own = ownNamespace(policy);
  if (own === undefined) return;
  if (call.service !== undefined) throw beyond(own, "call services");
  const [before = ""] = path.split(/[?#]/, 1);
  if (rewritten.test(before) || namespaced.exec(before)?.[1] !== own) throw beyond(own, `read \`${path}\``);
}

/** The error for what a Policy of that namespace may not do. */
export function beyond(own: string, what: string): UnavailableContext {
  return new UnavailableContext(`failed to load context: a Policy in \`${own}\` may not ${what}`, false);
}
