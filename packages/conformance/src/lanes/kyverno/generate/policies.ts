import type { Scope } from "./surroundings.ts";

/** A ClusterPolicy, a Policy or a PolicyException. */
export interface KyvernoObject {
  readonly apiVersion: string;
  readonly kind: "ClusterPolicy" | "Policy" | "PolicyException";
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: object };
  readonly spec: object;
}

/** What all policies of a set have in common: Kyverno has a path of its webhooks for each. */
export type FailurePolicy = "Fail" | "Ignore";

/** What a policy is made of. */
export interface PolicyParts {
  readonly name: string;
  /** Beside what every policy here has. */
  readonly spec: {
    readonly rules: readonly object[];
    readonly failurePolicy: FailurePolicy;
    readonly [field: string]: unknown;
  };
  readonly isNamespaced?: boolean;
  readonly apiVersion?: string;
  /** Words of `pod-policies.kyverno.io/autogen-controllers`. */
  readonly controllers?: string;
}

/** A policy about the objects of the set's namespace. */
export function policy({ namespace }: Pick<Scope, "namespace">, parts: PolicyParts): KyvernoObject {
  const { name, spec, isNamespaced = false, apiVersion = "kyverno.io/v1", controllers } = parts;
  return {
    apiVersion,
    kind: isNamespaced ? "Policy" : "ClusterPolicy",
    metadata: {
      name,
      ...(isNamespaced && { namespace }),
      ...(controllers !== undefined && {
        annotations: { "pod-policies.kyverno.io/autogen-controllers": controllers },
      }),
    },
    // Kyverno verifies no images in background scans, and would refuse policies about users there.
    spec: { background: false, webhookTimeoutSeconds: 30, ...spec },
  };
}

/** `match` of what is about the set's namespace only. */
export function inNamespace(
  { namespace }: Pick<Scope, "namespace">,
  kinds: readonly string[] = ["Pod"],
): object {
  return { any: [{ resources: { kinds, namespaces: [namespace] } }] };
}
