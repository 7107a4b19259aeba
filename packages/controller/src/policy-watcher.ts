import type { JsonObject } from "@assay/policy";
import type { KubeConfig } from "@kubernetes/client-node";
import { checkNamespaces } from "./check-options.ts";
import type { WatchPoliciesOptions } from "./controller-options.ts";
import type { Kind } from "./list-pages.ts";
import { metadataOf, type PolicyDocuments } from "./policy-documents.ts";
import { type WatchedKind, watchKind } from "./watched-kind.ts";

const watchedKinds: readonly Kind[] = [
  { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", plural: "clusterpolicies" },
  { apiVersion: "kyverno.io/v1", kind: "Policy", plural: "policies" },
  { apiVersion: "kyverno.io/v2", kind: "PolicyException", plural: "policyexceptions" },
];

/**
 * Watches ClusterPolicy, Policy and PolicyException and hands over the whole set after every change: a set is swapped as
 * one, so no request sees half of it.
 * INVARIANT: nothing is handed over before every kind has been listed: policies that could not be read are not policies
 * that do not exist, and without them everything would be let in.
 */
export async function watchPolicies(
  config: KubeConfig,
  changed: (documents: PolicyDocuments) => void,
  options: WatchPoliciesOptions = {},
): Promise<{ stop(): Promise<void> }> {
  checkNamespaces(options.exceptionNamespaces);
  const kinds: WatchedKind[] = [];
  const trusted = new Set<unknown>(options.exceptionNamespaces ?? []);
  let timer: NodeJS.Timeout | undefined;
  let complete = false;
  const hand = (): void => {
    const objects = kinds.flatMap((watched) => watched.list());
    const isException = (object: JsonObject): boolean => object["kind"] === "PolicyException";
    changed({
      policies: objects.filter((object) => !isException(object)),
      exceptions: objects.filter(
        (object) => isException(object) && trusted.has(metadataOf(object).namespace),
      ),
    });
  };
  const isKnown = (): boolean => complete && kinds.every((kind) => kind.unknown() === undefined);
  const settle = (): void => {
    if (!isKnown()) return;
    // Not started anew by every change: who changes one object all the time must not keep others from being in force.
    timer ??= setTimeout(() => {
      timer = undefined;
      hand();
    }, options.settleMs ?? 100);
  };
  const { logger, kindServed } = options;
  for (const kind of watchedKinds) {
    const served = (isServed: boolean): void => kindServed?.(kind.kind, isServed);
    kinds.push(await watchKind(config, kind, settle, { served, ...(logger ? { logger } : {}) }));
  }
  complete = true;
  if (isKnown()) hand();
  return {
    stop: async () => {
      clearTimeout(timer);
      for (const kind of kinds) kind.stop();
    },
  };
}
