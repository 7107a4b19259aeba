import type { Logger } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import type { KubeConfig } from "@kubernetes/client-node";
import { checkNamespaces } from "./check-options.ts";
import type { Kind } from "./list-pages.ts";
import { metadataOf } from "./policy-sieve.ts";
import { type WatchedKind, watchKind } from "./watched-kind.ts";

/** The policy objects of a cluster, as the API server holds them. */
export interface PolicyDocuments {
  readonly policies: readonly JsonObject[];
  readonly exceptions: readonly JsonObject[];
}

const watchedKinds: readonly Kind[] = [
  { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", plural: "clusterpolicies" },
  { apiVersion: "kyverno.io/v1", kind: "Policy", plural: "policies" },
  { apiVersion: "kyverno.io/v2", kind: "PolicyException", plural: "policyexceptions" },
];

export interface WatchPoliciesOptions {
  /** A set is handed over at most once per so many milliseconds. Default 100. */
  readonly settleMs?: number;
  /**
   * Namespaces whose PolicyExceptions count. Default none: whoever may create objects in a namespace of their own could
   * otherwise exempt themselves from the cluster's policies.
   */
  readonly exceptionNamespaces?: readonly string[];
  /**
   * Told of each kind, by its name, whether the API server serves it: when that is known, and whenever it changes. One that
   * is not served has no objects, so nothing of it is in force.
   */
  readonly kindServed?: (kind: string, isServed: boolean) => void;
  readonly logger?: Logger;
}

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
