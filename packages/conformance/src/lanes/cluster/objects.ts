import type { Policy } from "@assay/policy";

/** An image of the fixtures, where this run's registry serves it. */
export function image(host: string, name: string): string {
  return `${host}/acme/${name}:v1`;
}

/** A key that signed nothing. */
const unusedKey =
  "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjYvcrAmpYkSpnKjLay+r+1U9euhY\n7pW8cyIfLnh1s0TlTLnDOiz8c6P5JtcDFmxDkJtajV5G8W/VJH8HBnIXZw==\n-----END PUBLIC KEY-----";

const offline = { rekor: { url: "http://127.0.0.1:3000", ignoreTlog: true }, ctlog: { ignoreSCT: true } };

export function keyPolicy(publicKeys: string): object {
  return policy(
    "key",
    { entries: [{ keys: { publicKeys, ...offline } }] },
    { namespaces: ["by-configmap", "lenient"] },
  );
}

/** Reads its key from ConfigMap `keys` in namespace `kyverno`, at every admission. */
export function configMapPolicy(): object {
  const attestors = { entries: [{ keys: { publicKeys: '{{ keys.data."cosign.pub" }}', ...offline } }] };
  const context = [{ name: "keys", configMap: { name: "keys", namespace: "kyverno" } }];
  return policy("by-configmap", attestors, undefined, { context, namespaces: ["by-configmap"] });
}

export function configMap(key: string): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "keys", namespace: "kyverno" },
    data: { "cosign.pub": key },
  };
}

export function ignorePolicy(publicKeys: string): object {
  const attestors = { entries: [{ keys: { publicKeys, ...offline } }] };
  return policy("lenient", attestors, undefined, { namespaces: ["lenient"], failurePolicy: "Ignore" });
}

/** A key that signed nothing. */
export function denyAllPolicy(name = "deny-all"): object {
  return policy(name, { entries: [{ keys: { publicKeys: unusedKey, ...offline } }] });
}

/** A namespaced Policy: judges only where it stands, by a key from a Secret beside it. */
export function secretPolicy(namespace: string): object {
  const keys = { secret: { name: "cosign", namespace }, ...offline };
  const { spec } = policy("local", { entries: [{ keys }] }) as { readonly spec: object };
  return { apiVersion: "kyverno.io/v1", kind: "Policy", metadata: { name: "local", namespace }, spec };
}

export function secret(namespace: string, key: string): object {
  const metadata = { name: "cosign", namespace };
  return { apiVersion: "v1", kind: "Secret", metadata, stringData: { "cosign.pub": key } };
}

export function invalidPolicy(): object {
  return policy("invalid", { entries: [{ keys: { publicKeys: "no key", ...offline } }] });
}

/** Judges only namespaces with the label `tier: strict`, by a key that signed nothing. */
export function selectorPolicy(): object {
  const namespaceSelector = { matchLabels: { tier: "strict" } };
  return policy("by-label", { entries: [{ keys: { publicKeys: unusedKey, ...offline } }] }, undefined, {
    namespaceSelector,
  });
}

/** Exempts Pod `exempt` from policy `key`, wherever the exception stands. */
export function exception(namespace: string): object {
  const match = { any: [{ resources: { kinds: ["Pod"], names: ["exempt"] } }] };
  const spec = { exceptions: [{ policyName: "key", ruleNames: ["check"] }], match };
  return {
    apiVersion: "kyverno.io/v2",
    kind: "PolicyException",
    metadata: { name: "exempt", namespace },
    spec,
  };
}

interface Extras {
  readonly context?: readonly object[];
  readonly namespaces?: readonly string[];
  readonly failurePolicy?: "Fail" | "Ignore";
  readonly namespaceSelector?: object;
  readonly kinds?: readonly string[];
  readonly operations?: readonly string[];
  readonly imageExtractors?: object;
}

/** Policies about what the shipped configurations do not send, in namespaces of their own. */
export function widePolicies(publicKeys: string): readonly object[] {
  const attestors = { entries: [{ keys: { publicKeys, ...offline } }] };
  const imageExtractors = { Task: [{ path: "/spec/steps/*", value: "image", key: "name" }] };
  const about = (name: string, extras: Extras) => policy(name, attestors, undefined, extras);
  return [
    about("tasks", { kinds: ["tekton.dev/v1beta1/Task"], imageExtractors }),
    about("kruise", { kinds: ["apps.kruise.io/*/StatefulSet"] }),
    about("deletions", { kinds: ["Pod"], operations: ["DELETE"], namespaces: ["before"] }),
  ];
}

/** A kind of its own, whose versions differ in nothing but their names; the first is stored. */
export function definition(group: string, kind: string, versions: readonly string[]): object {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  const served = versions.map((name, i) => ({ name, served: true, storage: i === 0, schema }));
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: "Namespaced", names: { kind, plural, singular }, versions: served },
  };
}

function policy(name: string, attestors: object, exclude?: object, extras: Extras = {}): object {
  const { kinds = ["Pod", "Deployment", "CronJob"], operations, imageExtractors } = extras;
  const { context, namespaces, namespaceSelector, failurePolicy = "Fail" } = extras;
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name },
    spec: {
      validationFailureAction: "Enforce",
      failurePolicy,
      webhookTimeoutSeconds: 10,
      rules: [
        {
          name: "check",
          match: {
            any: [
              {
                resources: {
                  kinds,
                  ...(operations && { operations }),
                  ...(namespaces && { namespaces }),
                  ...(namespaceSelector && { namespaceSelector }),
                },
              },
            ],
          },
          ...(exclude && { exclude: { any: [{ resources: exclude }] } }),
          ...(context && { context }),
          ...(imageExtractors && { imageExtractors }),
          verifyImages: [{ imageReferences: ["127.0.0.1:*/acme/*"], attestors: [attestors] }],
        },
      ],
    },
  };
}

/** One webhook that fails closed, whatever policies the cluster will hold: they change while it runs. */
export function strictPolicies(): readonly Pick<
  Policy,
  "failurePolicy" | "webhookTimeoutSeconds" | "rules"
>[] {
  return [{ failurePolicy: "Fail", webhookTimeoutSeconds: 10, rules: [] }];
}
